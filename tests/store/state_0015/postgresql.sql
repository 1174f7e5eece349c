CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE alerts (
    id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    since text NOT NULL,
    over_at text,
    told text,
    told_at text
);
CREATE TABLE answers (
    who text NOT NULL,
    key text NOT NULL,
    asked text NOT NULL,
    status integer,
    headers text,
    sealed bytea,
    until double precision NOT NULL
);
CREATE TABLE audit (
    id bigint NOT NULL,
    at text NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    what text NOT NULL,
    origin text NOT NULL,
    result text NOT NULL
);
CREATE SEQUENCE audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE audit_id_seq OWNED BY audit.id;
CREATE TABLE budgets (
    credential text NOT NULL,
    quota bigint NOT NULL,
    per double precision NOT NULL,
    opened double precision NOT NULL,
    used bigint NOT NULL,
    blocked_until double precision NOT NULL,
    state text NOT NULL
);
CREATE TABLE checks (
    credential text NOT NULL,
    base_url text NOT NULL,
    made_for text NOT NULL,
    ok boolean NOT NULL,
    at text NOT NULL,
    report text
);
CREATE TABLE credentials (
    name text NOT NULL,
    sealed bytea NOT NULL,
    at text NOT NULL
);
CREATE TABLE cursors (
    destination text NOT NULL,
    "window" text NOT NULL
);
CREATE TABLE datasets (
    name text NOT NULL,
    settings text NOT NULL,
    identity text,
    schema text NOT NULL,
    samples bytea NOT NULL
);
CREATE TABLE discarded (
    destination text NOT NULL,
    identity bytea NOT NULL,
    record_print bigint NOT NULL,
    content bigint,
    reason text NOT NULL,
    at text NOT NULL
);
CREATE TABLE discards (
    id text NOT NULL,
    which text NOT NULL,
    up_to bigint NOT NULL,
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at text NOT NULL,
    total integer NOT NULL,
    done integer NOT NULL,
    ended_at text
);
CREATE TABLE exchanges (
    run text NOT NULL,
    delivery bigint NOT NULL,
    request text NOT NULL,
    reply text
);
CREATE TABLE frozen_parts (
    run text NOT NULL,
    part integer NOT NULL,
    bytes bytea NOT NULL
);
CREATE TABLE in_flight (
    destination text NOT NULL,
    run text NOT NULL,
    first bigint NOT NULL,
    hashes bytea NOT NULL
);
CREATE TABLE intents (
    run text NOT NULL,
    number bigint NOT NULL,
    ordinals text NOT NULL,
    keys text NOT NULL,
    contents bytea NOT NULL,
    request text NOT NULL,
    at text NOT NULL
);
CREATE TABLE jobs (
    run text NOT NULL,
    delivery bigint NOT NULL,
    destination text NOT NULL,
    job text NOT NULL,
    at text NOT NULL,
    records text NOT NULL
);
CREATE TABLE known_ids (
    credential text NOT NULL,
    kind text NOT NULL,
    by text NOT NULL,
    value text NOT NULL,
    remote text NOT NULL,
    at text NOT NULL
);
CREATE TABLE leases (
    name text NOT NULL,
    holder text NOT NULL,
    fence bigint NOT NULL,
    expires double precision NOT NULL
);
CREATE TABLE ledger_batches (
    id bigint NOT NULL,
    run text NOT NULL,
    delivery bigint,
    method text,
    url text,
    status integer,
    attempts integer NOT NULL,
    requests integer NOT NULL,
    duration_ms double precision,
    at text NOT NULL,
    outcome text NOT NULL,
    reason text,
    is_test boolean NOT NULL,
    records integer NOT NULL,
    keys text,
    ordinals text NOT NULL,
    top bigint NOT NULL,
    refusal text
);
CREATE TABLE ledger_exceptions (
    batch bigint NOT NULL,
    item integer NOT NULL,
    outcome text NOT NULL,
    reason text,
    field text,
    refusal text
);
CREATE VIEW ledger AS
 SELECT b.run,
    (((r.part ->> 0))::bigint + n.n) AS ordinal,
    ((replace(b.keys, '\u0000'::text, '\ufffd'::text))::json ->> ((((r.part ->> 2))::bigint + n.n))::integer) AS key,
    COALESCE(x.outcome, b.outcome) AS outcome,
        CASE
            WHEN (x.batch IS NULL) THEN b.reason
            ELSE x.reason
        END AS reason,
    x.field,
    b.delivery,
    b.status,
    b.at,
    b.is_test
   FROM (((ledger_batches b
     CROSS JOIN LATERAL json_array_elements((b.ordinals)::json) r(part))
     CROSS JOIN LATERAL generate_series((0)::bigint, (((r.part ->> 1))::bigint - 1)) n(n))
     LEFT JOIN ledger_exceptions x ON (((x.batch = b.id) AND (x.item = (((r.part ->> 2))::bigint + n.n)))));
CREATE SEQUENCE ledger_batches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE ledger_batches_id_seq OWNED BY ledger_batches.id;
CREATE TABLE memory_segments (
    destination text NOT NULL,
    seq bigint NOT NULL,
    version text NOT NULL,
    count bigint NOT NULL,
    high bytea NOT NULL,
    low bytea NOT NULL,
    contents bytea NOT NULL,
    prints bytea NOT NULL
);
CREATE TABLE messages (
    id text NOT NULL,
    channel text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    at text NOT NULL,
    tries integer NOT NULL,
    due double precision NOT NULL,
    error text
);
CREATE TABLE one_time_links (
    hash text NOT NULL,
    person text,
    expires double precision NOT NULL
);
CREATE TABLE people (
    name text NOT NULL,
    role text NOT NULL,
    email text,
    password text,
    subject text,
    epoch bigint NOT NULL,
    made_at text NOT NULL,
    seen_at text
);
CREATE TABLE project_versions (
    version bigint NOT NULL,
    at text NOT NULL,
    author text NOT NULL,
    base text NOT NULL,
    text text NOT NULL,
    changes text NOT NULL
);
CREATE TABLE pushed (
    id bigint NOT NULL,
    source text NOT NULL,
    at text NOT NULL,
    record text NOT NULL
);
CREATE SEQUENCE pushed_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE pushed_id_seq OWNED BY pushed.id;
CREATE TABLE pushed_sources (
    source text NOT NULL,
    received bigint NOT NULL,
    tip bigint NOT NULL,
    last_at text NOT NULL
);
CREATE TABLE quarantine (
    id bigint NOT NULL,
    destination text NOT NULL,
    identity bytea NOT NULL,
    key text,
    outcome text NOT NULL,
    cause text NOT NULL,
    reason text NOT NULL,
    field text,
    rule text NOT NULL,
    value text,
    accepted text,
    at text NOT NULL,
    run text NOT NULL,
    record text NOT NULL,
    record_print bigint NOT NULL,
    edited boolean NOT NULL,
    content bigint,
    settings text NOT NULL,
    request text,
    reply text,
    named_values text
);
CREATE SEQUENCE quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE quarantine_id_seq OWNED BY quarantine.id;
CREATE TABLE responses (
    id bigint NOT NULL,
    destination text NOT NULL,
    record text NOT NULL
);
CREATE SEQUENCE responses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE responses_id_seq OWNED BY responses.id;
CREATE TABLE runs (
    id text NOT NULL,
    kind text NOT NULL,
    target text NOT NULL,
    parent text,
    status text NOT NULL,
    resumable boolean NOT NULL,
    read bigint NOT NULL,
    delivered bigint NOT NULL,
    accepted bigint NOT NULL,
    unchanged bigint NOT NULL,
    quarantined bigint NOT NULL,
    unknown bigint NOT NULL,
    waiting bigint NOT NULL,
    unsent bigint NOT NULL,
    deleted bigint NOT NULL,
    requests bigint NOT NULL,
    retries bigint NOT NULL,
    duration_s double precision NOT NULL,
    notes text NOT NULL,
    skipped text NOT NULL,
    "position" bigint NOT NULL,
    input_identity text,
    input_rows bigint,
    frozen text,
    "window" text,
    settings text,
    holder text,
    reason text,
    stopped_by text,
    started_at text NOT NULL,
    finished_at text,
    errors text
);
CREATE TABLE schedules (
    flow text NOT NULL,
    paused boolean NOT NULL,
    by text,
    at text,
    rule text,
    done text,
    seen text
);
CREATE TABLE seen_posts (
    source text NOT NULL,
    post text NOT NULL,
    until double precision NOT NULL
);
CREATE TABLE sent_links (
    destination text NOT NULL,
    identity bytea NOT NULL,
    links text NOT NULL
);
CREATE TABLE settings (
    name text NOT NULL,
    document text NOT NULL,
    at text NOT NULL,
    by text NOT NULL
);
CREATE TABLE span_parts (
    minutes integer NOT NULL,
    at text NOT NULL,
    destination text NOT NULL,
    word text NOT NULL,
    number bigint NOT NULL
);
CREATE TABLE switches (
    destination text NOT NULL,
    state text NOT NULL,
    by text NOT NULL,
    at text NOT NULL
);
CREATE TABLE tallies (
    name text NOT NULL,
    labels text NOT NULL,
    value double precision NOT NULL
);
CREATE TABLE ticks (
    flow text NOT NULL,
    due text NOT NULL,
    missed integer NOT NULL,
    run text
);
CREATE TABLE tokens (
    id text NOT NULL,
    hash text NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    made_at text NOT NULL,
    expires_at text,
    used_at text
);
CREATE TABLE tries (
    who text NOT NULL,
    count bigint NOT NULL,
    last double precision NOT NULL,
    closed_until double precision NOT NULL
);
CREATE TABLE work (
    run text NOT NULL,
    kind text NOT NULL,
    target text NOT NULL,
    lane text NOT NULL,
    trigger text NOT NULL,
    asked_by text NOT NULL,
    asked_at text NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL,
    version text,
    worker text,
    stop text,
    stop_by text,
    not_before text,
    payload text,
    progress text
);
CREATE TABLE workers (
    id text NOT NULL,
    version text NOT NULL,
    place text NOT NULL,
    since text NOT NULL
);
ALTER TABLE ONLY audit ALTER COLUMN id SET DEFAULT nextval('audit_id_seq'::regclass);
ALTER TABLE ONLY ledger_batches ALTER COLUMN id SET DEFAULT nextval('ledger_batches_id_seq'::regclass);
ALTER TABLE ONLY pushed ALTER COLUMN id SET DEFAULT nextval('pushed_id_seq'::regclass);
ALTER TABLE ONLY quarantine ALTER COLUMN id SET DEFAULT nextval('quarantine_id_seq'::regclass);
ALTER TABLE ONLY responses ALTER COLUMN id SET DEFAULT nextval('responses_id_seq'::regclass);
ALTER TABLE ONLY alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY answers
    ADD CONSTRAINT answers_pkey PRIMARY KEY (who, key);
ALTER TABLE ONLY audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY budgets
    ADD CONSTRAINT budgets_pkey PRIMARY KEY (credential);
ALTER TABLE ONLY checks
    ADD CONSTRAINT checks_pkey PRIMARY KEY (credential);
ALTER TABLE ONLY credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (name);
ALTER TABLE ONLY cursors
    ADD CONSTRAINT cursors_pkey PRIMARY KEY (destination);
ALTER TABLE ONLY datasets
    ADD CONSTRAINT datasets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY discarded
    ADD CONSTRAINT discarded_pkey PRIMARY KEY (destination, identity, record_print);
ALTER TABLE ONLY discards
    ADD CONSTRAINT discards_pkey PRIMARY KEY (id);
ALTER TABLE ONLY exchanges
    ADD CONSTRAINT exchanges_pkey PRIMARY KEY (run, delivery);
ALTER TABLE ONLY frozen_parts
    ADD CONSTRAINT frozen_parts_pkey PRIMARY KEY (run, part);
ALTER TABLE ONLY in_flight
    ADD CONSTRAINT in_flight_pkey PRIMARY KEY (destination, run, first);
ALTER TABLE ONLY intents
    ADD CONSTRAINT intents_pkey PRIMARY KEY (run, number);
ALTER TABLE ONLY jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (run, delivery);
ALTER TABLE ONLY known_ids
    ADD CONSTRAINT known_ids_pkey PRIMARY KEY (credential, kind, by, value);
ALTER TABLE ONLY leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);
ALTER TABLE ONLY ledger_batches
    ADD CONSTRAINT ledger_batches_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ledger_exceptions
    ADD CONSTRAINT ledger_exceptions_pkey PRIMARY KEY (batch, item);
ALTER TABLE ONLY memory_segments
    ADD CONSTRAINT memory_segments_pkey PRIMARY KEY (destination, seq);
ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY one_time_links
    ADD CONSTRAINT one_time_links_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY people
    ADD CONSTRAINT people_pkey PRIMARY KEY (name);
ALTER TABLE ONLY people
    ADD CONSTRAINT people_subject_key UNIQUE (subject);
ALTER TABLE ONLY project_versions
    ADD CONSTRAINT project_versions_pkey PRIMARY KEY (version);
ALTER TABLE ONLY pushed
    ADD CONSTRAINT pushed_pkey PRIMARY KEY (id);
ALTER TABLE ONLY pushed_sources
    ADD CONSTRAINT pushed_sources_pkey PRIMARY KEY (source);
ALTER TABLE ONLY quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);
ALTER TABLE ONLY responses
    ADD CONSTRAINT responses_pkey PRIMARY KEY (id);
ALTER TABLE ONLY runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (flow);
ALTER TABLE ONLY seen_posts
    ADD CONSTRAINT seen_posts_pkey PRIMARY KEY (source, post);
ALTER TABLE ONLY sent_links
    ADD CONSTRAINT sent_links_pkey PRIMARY KEY (destination, identity);
ALTER TABLE ONLY settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (name);
ALTER TABLE ONLY span_parts
    ADD CONSTRAINT span_parts_pkey PRIMARY KEY (minutes, at, destination, word);
ALTER TABLE ONLY switches
    ADD CONSTRAINT switches_pkey PRIMARY KEY (destination);
ALTER TABLE ONLY tallies
    ADD CONSTRAINT tallies_pkey PRIMARY KEY (name, labels);
ALTER TABLE ONLY ticks
    ADD CONSTRAINT ticks_pkey PRIMARY KEY (flow, due);
ALTER TABLE ONLY tokens
    ADD CONSTRAINT tokens_hash_key UNIQUE (hash);
ALTER TABLE ONLY tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY tries
    ADD CONSTRAINT tries_pkey PRIMARY KEY (who);
ALTER TABLE ONLY work
    ADD CONSTRAINT work_pkey PRIMARY KEY (run);
ALTER TABLE ONLY workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);
CREATE INDEX answers_until ON answers USING btree (until);
CREATE INDEX audit_by_action ON audit USING btree (action, id);
CREATE INDEX audit_by_person ON audit USING btree (who, id);
CREATE INDEX audit_by_time ON audit USING btree (at);
CREATE INDEX ledger_deliveries ON ledger_batches USING btree (run, delivery);
CREATE INDEX ledger_of_run ON ledger_batches USING btree (run, top);
CREATE INDEX pushed_of_source ON pushed USING btree (source, id);
CREATE INDEX quarantine_of_cause ON quarantine USING btree (destination, cause);
CREATE UNIQUE INDEX quarantine_of_key ON quarantine USING btree (destination, identity);
CREATE INDEX responses_of ON responses USING btree (destination, id);
CREATE INDEX runs_newest ON runs USING btree (started_at, id) WHERE (parent IS NULL);
CREATE INDEX runs_newest_in_status ON runs USING btree (status, started_at, id) WHERE (parent IS NULL);
CREATE INDEX runs_newest_of_target ON runs USING btree (target, started_at, id);
CREATE INDEX runs_of_parent ON runs USING btree (parent) WHERE (parent IS NOT NULL);
CREATE INDEX runs_of_target ON runs USING btree (target, kind, started_at, id);
CREATE INDEX seen_posts_until ON seen_posts USING btree (until);
CREATE INDEX ticks_waiting ON ticks USING btree (run, flow);
CREATE INDEX tokens_of ON tokens USING btree (owner);
CREATE INDEX work_by_state ON work USING btree (state, asked_at);
CREATE INDEX work_of_target ON work USING btree (target, kind, state);
ALTER TABLE ONLY ledger_exceptions
    ADD CONSTRAINT ledger_exceptions_batch_fkey FOREIGN KEY (batch) REFERENCES ledger_batches(id) ON DELETE CASCADE;
INSERT INTO alembic_version VALUES ('0015');
