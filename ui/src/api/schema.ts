// Generated from the OpenAPI document by `npm run api`; a test compares 5649ddedda3fffb2
export interface components {
    schemas: {
        AboutOut: {
            name: string;
            version: string;
            openapi: string;
        };
        AlertOut: {
            id: string;
            kind: string;
            subject: string;
            state: "raised" | "over";
            reason: string;
            since: string | null;
            over_at: string | null;
            told_at: string | null;
        };
        AlertSettings: {
            channels: {
                [key: string]: components["schemas"]["ChannelDocument"];
            };
            rules: components["schemas"]["RulesDocument"];
            quiet: string[];
            digest: number;
        };
        AllowanceOut: {
            credential: string;
            limit: number;
            per_s: number;
            used_share: number;
            blocked_s: number;
        };
        AllowanceSeenJson: {
            limit: number;
            remaining: number;
        };
        AnswerJson: {
            status: number;
            headers: {
                [key: string]: string;
            };
            body: string;
        };
        AppliedOut: {
            version: number;
            changes: components["schemas"]["ChangeOut"][];
        };
        BackTo: {
            only?: string | null;
        };
        BareRunJson: {
            run: string;
            destination?: string;
            flow?: string;
            status: "queued" | "running" | "succeeded" | "partial" | "failed" | "cancelled" | "interrupted";
            records: components["schemas"]["CountsJson"];
            deleted: number;
            requests: number;
            retries: number;
            duration_s: number;
            notes: components["schemas"]["NoteJson"][];
            limit?: number;
            deletes_hash?: string;
            reason?: string;
            errors?: components["schemas"]["ProblemJson"][];
            started_at: string | null;
            finished_at: string | null;
            destinations?: components["schemas"]["RunPartJson"][];
            skipped?: {
                [key: string]: string;
            };
        };
        BatchCostJson: {
            cost: "1" | "jobs";
            source: "settings" | "replies" | "default";
        };
        BrokenRule: {
            key: string | string[] | null;
            value: string | null;
        };
        BucketJson: {
            delivered: number;
            accepted: number;
            unchanged: number;
            quarantined: number;
            unknown: number;
            waiting: number;
            unsent: number;
            at: string;
            requests: number;
            p50_ms: number | null;
            p95_ms: number | null;
        };
        ChangeOut: {
            path: string;
            change: "added" | "changed" | "removed";
            before: string | null;
            after: string | null;
        };
        Changed: {
            role?: ("viewer" | "operator" | "editor" | "admin") | null;
            email?: string | null;
            password?: string | null;
            sign_on?: false | null;
        };
        ChannelDocument: {
            url?: string | null;
            allowed_hosts: string[];
            shown?: string | null;
        };
        CheckJson: {
            credential: string;
            ok: boolean;
            base_url: string | null;
            dialect: ("native" | "flat") | null;
            tried: components["schemas"]["TriedBaseJson"][];
            allowance: components["schemas"]["AllowanceSeenJson"] | null;
            reason: string;
            batch_cost: components["schemas"]["BatchCostJson"] | null;
        };
        CheckedJson: {
            credential: string;
            ok: boolean;
            base_url: string | null;
            dialect: ("native" | "flat") | null;
            tried: components["schemas"]["TriedBaseJson"][];
            allowance: components["schemas"]["AllowanceSeenJson"] | null;
            reason: string;
            batch_cost: components["schemas"]["BatchCostJson"] | null;
            at: string;
        };
        ChoiceJson: {
            value: string;
            shows: string;
        };
        ColumnOut: {
            name: string;
            type: "text" | "integer" | "number" | "boolean" | "date" | "timestamp" | "json";
            nullable: boolean;
            examples: string[];
        };
        CountsJson: {
            read: number;
            delivered: number;
            accepted: number;
            unchanged: number;
            quarantined: number;
            unknown: number;
            waiting: number;
            unsent: number;
        };
        CredentialDraft: {
            name: string;
            value: {
                [key: string]: unknown;
            };
            secret?: string | null;
        };
        CredentialNodeJson: {
            id: string;
            kind: "credential";
            name: string;
            type: "custify" | "http" | "file";
            state: components["schemas"]["CredentialStateJson"];
        };
        CredentialStateJson: {
            has_key: boolean;
            check: components["schemas"]["CheckedJson"] | null;
            dialect: "native" | "flat";
        };
        CustifyPerson: {
            id: string | null;
            user_id: string | null;
        };
        DatasetLook: {
            columns: components["schemas"]["ColumnOut"][];
            rows: {
                [key: string]: unknown;
            }[];
            records: number;
            complete: boolean;
            errors: components["schemas"]["SqlProblemJson"][];
        };
        DatasetNodeJson: {
            id: string;
            kind: "dataset";
            name: string;
            key: string[];
            sql: boolean;
            state: components["schemas"]["DatasetStateJson"];
        };
        DatasetOut: {
            dataset: string;
            key: string[];
            schema: components["schemas"]["SchemaOut"];
            extra_columns: string[];
            gone_columns: string[];
        };
        DatasetStateJson: {
            records: number | null;
            columns: number | null;
        };
        DeliveryJson: {
            delivery: string;
            method: string;
            url: string;
            status: number | null;
            attempts: number;
            duration_ms: number;
            outcome: components["schemas"]["Outcome"];
            reason: string | null;
            records: (string | string[] | null)[];
            at: string;
            test?: boolean;
        };
        DemoLoaded: {
            version: number;
            records: {
                [key: string]: number;
            };
            sandbox: string;
            arrived: string;
        };
        DemoState: {
            loaded: boolean;
            arrived: string | null;
        };
        DestinationNodeJson: {
            id: string;
            kind: "destination";
            name: string;
            template: string | null;
            credential: string;
            responses: boolean;
            state: components["schemas"]["DestinationStateJson"];
        };
        DestinationStateJson: {
            state: "draft" | "active" | "paused";
            reason: string;
            held: number;
            unknown: number;
            read_back: "possible" | "inactive" | "flat" | "no-recipe";
            last_run: components["schemas"]["BareRunJson"] | null;
            template: string | null;
        };
        DiagnosisOut: {
            ok: boolean;
            at: string;
            database: string;
            versions: {
                [key: string]: string;
            };
            checks: string[];
            findings: components["schemas"]["DoctorFinding"][];
        };
        DifferenceJson: {
            key: string | string[];
            field: string;
            ours: unknown;
            theirs: unknown;
        };
        Discard: {
            reason: string;
        };
        DiscardOut: {
            id: string;
            total: number;
            discarded: number;
            reason: string;
            asked_by: string;
            asked_at: string;
            ended_at: string | null;
        };
        Discarded: {
            discarded: number;
        };
        Discarding: {
            ids?: string[] | null;
            destination?: string | null;
            cause?: string | null;
            outcome?: ("quarantined" | "unknown" | "waiting") | null;
            all: boolean;
            reason: string;
        };
        DoctorFinding: {
            level: "wrong" | "note";
            code: string;
            message: string;
            hint: string;
            about: string;
            check: string;
        };
        Draft: {
            name: string;
            value: {
                [key: string]: unknown;
            };
        };
        EdgeJson: {
            kind: "reads" | "feeds" | "sends" | "runs" | "replies";
            from: string;
            to: string;
        };
        Edit: {
            record_text?: string | null;
            changes?: {
                [key: string]: unknown;
            } | null;
            record?: {
                [key: string]: unknown;
            } | null;
        };
        EmailOfSeveralIds: {
            email: string;
            ids: string[];
            count: number;
            records: number;
        };
        EntryOut: {
            id: number;
            at: string;
            who: string;
            action: string;
            what: string;
            from: string;
            result: string;
        };
        Erase: {
            key: string;
            dataset?: string | null;
            destination?: string | null;
            dry_run: boolean;
        };
        ErasedOut: {
            key_hash: string;
            dataset: string | null;
            destinations: string[];
            found: {
                [key: string]: number;
            };
            erased: boolean;
            notes: string[];
        };
        ExternalOut: {
            field: string;
            setting: string | null;
            max_length: number | null;
        };
        FeedPauseJson: {
            target: string;
            reason: string;
            since: string;
            run: string;
            failures: number;
            next_at: string;
        };
        FindingOut: {
            field: string | null;
            rule: string;
            reason: string;
            values: {
                [key: string]: unknown;
            };
            count: number;
            examples: components["schemas"]["BrokenRule"][];
        };
        FindingsOut: {
            records: number | null;
            checked: number;
            refused: components["schemas"]["FindingOut"][];
            notes: components["schemas"]["NoteJson"][];
            errors: components["schemas"]["ProblemJson"][];
        };
        FlowNodeJson: {
            id: string;
            kind: "flow";
            name: string;
            schedule: string | null;
            timezone: string | null;
            destinations: string[];
            state: components["schemas"]["FlowStateJson"];
        };
        FlowStateJson: {
            next_at: string | null;
            last_run: components["schemas"]["BareRunJson"] | null;
            paused: boolean;
        };
        FormatOut: {
            name: string;
            label: string;
            about: string;
            extensions: string[];
            options: string[];
            is_text: boolean;
            can_upload: boolean;
        };
        FoundOut: {
            kind: "destination" | "flow" | "dataset" | "source" | "credential" | "quarantine" | "run";
            name: string;
            title: string;
            where: string;
            path: string;
        };
        HeldJson: {
            id: string;
            destination: string;
            key: string | string[] | null;
            outcome: "quarantined" | "unknown" | "waiting";
            cause: string;
            reason: string;
            field: string | null;
            at: string;
            run: string | null;
            rule: string;
            values: {
                [key: string]: unknown;
            } | null;
            finding: string | null;
            record: unknown;
            record_text: string;
            value: string | null;
            accepted: string | null;
            request: components["schemas"]["StoredRequestJson"] | null;
            reply: components["schemas"]["StoredReplyJson"] | null;
        };
        HookJson: {
            url: string;
            auth: components["schemas"]["NoAuthJson"] | components["schemas"]["KeyAuthJson"] | components["schemas"]["SignatureAuthJson"];
            received: number;
            last_at: string | null;
            paused: components["schemas"]["FeedPauseJson"][];
            samples: components["schemas"]["HookSampleJson"][];
        };
        HookKeyOut: {
            key: string;
        };
        HookSampleJson: {
            at: string;
            record: unknown;
        };
        HookStateJson: {
            url: string;
            auth: components["schemas"]["NoAuthJson"] | components["schemas"]["KeyAuthJson"] | components["schemas"]["SignatureAuthJson"];
            received: number;
            last_at: string | null;
            paused: components["schemas"]["FeedPauseJson"][];
        };
        HowOften: {
            every_hours: number | null;
        };
        HowToCheck: {
            refresh: boolean;
        };
        HowToReconcile: {
            fix: boolean;
        };
        IdOfSeveralEmails: {
            id: string;
            emails: string[];
            count: number;
            records: number;
        };
        IdentityCounts: {
            dataset: string;
            counts: {
                [key: string]: number;
            } | null;
        };
        IdentityOut: {
            dataset: string;
            records: number;
            sources: components["schemas"]["IdentitySource"][];
            counts: {
                [key: string]: number;
            };
            email_several_ids: components["schemas"]["EmailOfSeveralIds"][];
            id_several_emails: components["schemas"]["IdOfSeveralEmails"][];
            scientific_ids: components["schemas"]["ScientificId"][];
            taken_in_custify: components["schemas"]["TakenEmail"][] | null;
            incomplete: string | null;
            requests: number;
        };
        IdentitySource: {
            id: string | null;
            email: string | null;
            id_by?: ("destination" | "name" | "key") | null;
            destinations: string[];
        };
        KeyAuthJson: {
            type: "key";
            header?: string;
            query?: string;
            basic?: string;
            has_secret: boolean;
        };
        LastReconcileJson: {
            at: string | null;
            run: string | null;
            drifted: number;
            every_hours: number | null;
            report: components["schemas"]["ReconcileJson"] | null;
            counts: components["schemas"]["ReconcileCountsJson"] | null;
            cut: boolean;
            flows: string[];
        };
        LinkOut: {
            link: string;
        };
        Mode: "changed" | "new" | "all" | "mirror";
        NewName: {
            name: string;
        };
        NewPassword: {
            old: string;
            new: string;
        };
        NewPerson: {
            name: string;
            role: "viewer" | "operator" | "editor" | "admin";
            email?: string | null;
            password?: string | null;
        };
        NewPersonOut: {
            name: string;
            role: "viewer" | "operator" | "editor" | "admin";
            email: string | null;
            has_password: boolean;
            has_sign_on: boolean;
            made_at: string;
            seen_at: string | null;
            link?: string | null;
        };
        NewProject: {
            yaml: string;
        };
        NewResource: {
            name: string;
            value: {
                [key: string]: unknown;
            };
        };
        NewSecret: {
            secret: string;
        };
        NewToken: {
            name: string;
            role: "viewer" | "operator" | "editor" | "admin";
            expires_at?: string | null;
        };
        NewTokenOut: {
            id: string;
            name: string;
            owner: string;
            role: "viewer" | "operator" | "editor" | "admin";
            made_at: string;
            expires_at: string | null;
            used_at: string | null;
            token: string;
        };
        NoAuthJson: {
            type: "none";
        };
        NoteJson: {
            field: string;
            action: string;
            reason: string;
            count: number;
        };
        OidcOut: {
            label: string;
            url: string;
        };
        Outcome: "delivered" | "accepted" | "unchanged" | "quarantined" | "unknown" | "waiting" | "unsent";
        OverviewJson: {
            nodes: (components["schemas"]["SourceNodeJson"] | components["schemas"]["DatasetNodeJson"] | components["schemas"]["DestinationNodeJson"] | components["schemas"]["CredentialNodeJson"] | components["schemas"]["FlowNodeJson"])[];
            edges: components["schemas"]["EdgeJson"][];
        };
        Page_AlertOut_: {
            items: components["schemas"]["AlertOut"][];
            next: string | null;
        };
        Page_DeliveryJson_: {
            items: components["schemas"]["DeliveryJson"][];
            next: string | null;
        };
        Page_DiscardOut_: {
            items: components["schemas"]["DiscardOut"][];
            next: string | null;
        };
        Page_EntryOut_: {
            items: components["schemas"]["EntryOut"][];
            next: string | null;
        };
        Page_FormatOut_: {
            items: components["schemas"]["FormatOut"][];
            next: string | null;
        };
        Page_FoundOut_: {
            items: components["schemas"]["FoundOut"][];
            next: string | null;
        };
        Page_PersonOut_: {
            items: components["schemas"]["PersonOut"][];
            next: string | null;
        };
        Page_QuarantineEntryJson_: {
            items: components["schemas"]["QuarantineEntryJson"][];
            next: string | null;
        };
        Page_QuarantineGroupJson_: {
            items: components["schemas"]["QuarantineGroupJson"][];
            next: string | null;
        };
        Page_RecordJson_: {
            items: components["schemas"]["RecordJson"][];
            next: string | null;
        };
        Page_ReplyJson_: {
            items: components["schemas"]["ReplyJson"][];
            next: string | null;
        };
        Page_ResourceJson_: {
            items: components["schemas"]["ResourceJson"][];
            next: string | null;
        };
        Page_RunJson_: {
            items: components["schemas"]["RunJson"][];
            next: string | null;
        };
        Page_TemplateOut_: {
            items: components["schemas"]["TemplateOut"][];
            next: string | null;
        };
        Page_TokenOut_: {
            items: components["schemas"]["TokenOut"][];
            next: string | null;
        };
        Page_TriedOut_: {
            items: components["schemas"]["TriedOut"][];
            next: string | null;
        };
        Page_VersionOut_: {
            items: components["schemas"]["VersionOut"][];
            next: string | null;
        };
        PersonOut: {
            name: string;
            role: "viewer" | "operator" | "editor" | "admin";
            email: string | null;
            has_password: boolean;
            has_sign_on: boolean;
            made_at: string;
            seen_at: string | null;
        };
        PlanJson: {
            destination?: string;
            flow?: string;
            records: number;
            creates_or_updates: number;
            unchanged: number;
            deletes: number;
            invalid: number;
            held: number;
            requests: number;
            asking: number;
            eta_s: number;
            first_errors: components["schemas"]["RefusedJson"][];
            notes: components["schemas"]["NoteJson"][];
            deletes_hash: string | null;
            delete_keys: (string | string[])[];
            base_url?: string;
            creates?: number;
            updates?: number;
            read_requests?: number;
            destinations?: components["schemas"]["PlanJson"][];
            skipped?: {
                [key: string]: string;
            };
        };
        PreviewDraft: {
            name: string;
            value: {
                [key: string]: unknown;
            };
            limit: number;
        };
        PreviewOut: {
            requests: components["schemas"]["RequestJson"][];
            notes: components["schemas"]["NoteJson"][];
            refused: components["schemas"]["RefusedJson"][];
            base_url: string;
            base_url_reason: string;
        };
        ProblemJson: {
            path: string;
            line: number | null;
            code: string;
            found: string | null;
            message: string;
            hint: string;
            file?: string | null;
            choices?: components["schemas"]["ChoiceJson"][];
        };
        Problems: {
            errors: components["schemas"]["ProblemJson"][];
        };
        ProjectOut: {
            version: number;
            yaml: string;
        };
        Prune: {
            dry_run: boolean;
            forget: string[];
        };
        PrunedOut: {
            dry_run: boolean;
            removed: {
                [key: string]: number;
            };
            finished: boolean;
            frozen: string[];
            gone: {
                [key: string]: number;
            };
            forgotten: string[];
            free_bytes: number;
        };
        QuarantineEntryJson: {
            id: string;
            destination: string;
            key: string | string[] | null;
            outcome: "quarantined" | "unknown" | "waiting";
            cause: string;
            reason: string;
            field: string | null;
            at: string;
            run: string | null;
            rule: string;
            values: {
                [key: string]: unknown;
            } | null;
            finding: string | null;
        };
        QuarantineGroupJson: {
            destination: string;
            cause: string;
            outcome: "quarantined" | "unknown" | "waiting";
            field: string | null;
            count: number;
            reason: string;
            rule: string;
            values: {
                [key: string]: unknown;
            } | null;
            first_at: string;
            last_at: string;
        };
        ReconcileCountsJson: {
            differs: number;
            records: number;
            fields: {
                [key: string]: number;
            };
            pending: number;
            missing: number;
            extra: number;
        };
        ReconcileJson: {
            same: number;
            differs: components["schemas"]["DifferenceJson"][];
            pending: (string | string[])[];
            missing: (string | string[])[];
            extra: string[];
            incomplete: boolean;
            requests: number;
        };
        RecordJson: {
            key: string | string[] | null;
            outcome: components["schemas"]["Outcome"];
            reason: string | null;
            field: string | null;
            delivery: string | null;
            ordinal: number;
            run: string;
            rule?: string;
            values?: {
                [key: string]: unknown;
            } | null;
            held?: boolean;
        };
        RefusedJson: {
            key: string | string[] | null;
            field: string | null;
            rule: string;
            reason: string;
            value: string | null;
            accepted: string | null;
            values: {
                [key: string]: unknown;
            };
        };
        ReplyJson: {
            id: number;
            sent_at: string;
            run: string;
            delivery: string;
            attempt: number;
            request: components["schemas"]["StoredRequestJson"];
            response: components["schemas"]["StoredReplyJson"] | null;
            duration_ms: number | null;
            outcome: components["schemas"]["Outcome"];
            records: (string | string[] | null)[];
            error: string | null;
        };
        RequestJson: {
            method: string;
            url: string;
            headers: {
                [key: string]: string;
            };
            body: string | null;
            records: (string | string[])[];
            unresolved: string[];
        };
        ResourceJson: {
            name: string;
            value: {
                [key: string]: unknown;
            };
            etag: string;
            state: components["schemas"]["CredentialStateJson"] | components["schemas"]["SourceStateJson"] | components["schemas"]["DatasetStateJson"] | components["schemas"]["DestinationStateJson"] | components["schemas"]["FlowStateJson"];
        };
        RotatedOut: {
            key: string;
            sealed: number;
            from_environment: boolean;
        };
        RulesDocument: {
            stalled_minutes: number | null;
            volume_under: number | null;
            volume_over: number | null;
            volume_runs: number;
            error_share: number | null;
            error_least: number;
            quarantine_more: number | null;
            run_failed: boolean;
            run_partial: boolean;
            run_results: boolean;
            credential_refused: boolean;
            columns_changed: boolean;
            drift: boolean;
            waiting_minutes: number | null;
            repeat_hours: number;
            calm_minutes: number;
        };
        RunJson: {
            run: string;
            destination?: string;
            flow?: string;
            status: "queued" | "running" | "succeeded" | "partial" | "failed" | "cancelled" | "interrupted";
            records: components["schemas"]["CountsJson"];
            deleted: number;
            requests: number;
            retries: number;
            duration_s: number;
            notes: components["schemas"]["NoteJson"][];
            limit?: number;
            deletes_hash?: string;
            reason?: string;
            errors?: components["schemas"]["ProblemJson"][];
            started_at: string | null;
            finished_at: string | null;
            destinations?: components["schemas"]["RunPartJson"][];
            skipped?: {
                [key: string]: string;
            };
            kind: "destination" | "flow" | "test" | "resend" | "settle" | "reconcile";
            trigger: string;
            asked_by: string;
            asked_at: string;
            settled?: components["schemas"]["SettleJson"];
        };
        RunPartJson: {
            run: string;
            destination?: string;
            flow?: string;
            status: "queued" | "running" | "succeeded" | "partial" | "failed" | "cancelled" | "interrupted";
            records: components["schemas"]["CountsJson"];
            deleted: number;
            requests: number;
            retries: number;
            duration_s: number;
            notes: components["schemas"]["NoteJson"][];
            limit?: number;
            deletes_hash?: string;
            reason?: string;
            errors?: components["schemas"]["ProblemJson"][];
            started_at: string | null;
            finished_at: string | null;
        };
        SamplesOut: {
            columns: components["schemas"]["ColumnOut"][];
            rows: {
                [key: string]: unknown;
            }[];
            problems: components["schemas"]["ProblemJson"][];
        };
        SchemaOut: {
            columns: components["schemas"]["ColumnOut"][];
            records: number;
            source: components["schemas"]["SchemaOut"] | null;
        };
        ScientificId: {
            id: string;
            records: number;
        };
        SessionOut: {
            person: components["schemas"]["WhoOut"] | null;
            sign_in: boolean;
            setup: boolean;
            oidc: components["schemas"]["OidcOut"] | null;
            csrf: string | null;
            version: string;
        };
        SetUp: {
            name: string;
            password: string;
            token: string;
        };
        Settle: {
            delivered: boolean;
        };
        SettleJson: {
            delivered: number;
            sent_again: number;
            undecided: number;
            requests: number;
        };
        SignIn: {
            name: string;
            password: string;
        };
        SignatureAuthJson: {
            type: "hmac";
            scheme: "standard" | "generic";
            tolerance_s: number;
            header?: string;
            algorithm?: "sha256" | "sha512" | "sha1";
            encoding?: "hex" | "base64";
            prefix?: string;
            timestamp_header?: string | null;
            has_secret: boolean;
        };
        SourceLook: {
            columns: components["schemas"]["ColumnOut"][];
            rows: {
                [key: string]: unknown;
            }[];
            records: number;
            complete: boolean;
            problems: components["schemas"]["ProblemJson"][];
            tables: string[] | null;
        };
        SourceNodeJson: {
            id: string;
            kind: "source";
            name: string;
            type: "file" | "sql" | "webhook" | "responses" | "custify";
            state: components["schemas"]["SourceStateJson"];
        };
        SourceStateJson: {
            used_by: string[];
            hook: components["schemas"]["HookStateJson"] | null;
        };
        SqlProblemJson: {
            path: string;
            line: number | null;
            code: string;
            found: string | null;
            message: string;
            hint: string;
            file?: string | null;
            choices?: components["schemas"]["ChoiceJson"][];
            column: number | null;
        };
        Start: {
            target: string;
            from?: string | null;
            allow_deletes?: string | null;
            limit?: number | null;
        };
        StatsOut: {
            minutes: number;
            buckets: components["schemas"]["BucketJson"][];
            budget: components["schemas"]["AllowanceOut"][];
        };
        StoredReplyJson: {
            status?: number;
            headers?: {
                [key: string]: string;
            };
            body?: string;
            error?: string;
        };
        StoredRequestJson: {
            method: string;
            url: string;
            headers: {
                [key: string]: string;
            };
            body: string | null;
        };
        TakenEmail: {
            email: string;
            id: string;
            creates: boolean;
            people: components["schemas"]["CustifyPerson"][];
            count: number;
        };
        TemplateFieldOut: {
            name: string;
            label: string;
            type: string;
            description: string;
            native: string | null;
            target: string | null;
            others: string[];
            why: string | null;
            required: ("native" | "flat")[];
            page: boolean;
            auto: boolean;
            max_length: number | null;
            whole: boolean;
            choices: string[];
            default: string | null;
            or_id: boolean;
        };
        TemplateOut: {
            name: string;
            title: string;
            description: string;
            object: string;
            phase: number;
            fields: components["schemas"]["TemplateFieldOut"][];
            match: {
                [key: string]: string[];
            };
            extras: {
                [key: string]: string;
            };
            path: {
                [key: string]: string;
            };
            retry: {
                [key: string]: string;
            };
            retry_with: string[] | null;
            modes: components["schemas"]["Mode"][];
            job: string | null;
            flat_batch: boolean;
            external: components["schemas"]["ExternalOut"] | null;
            combine: string[];
            text_limit: number | null;
            attribute_limit: number | null;
            attribute_chars: number | null;
            items: {
                [key: string]: string;
            };
            method: string;
        };
        TestDraft: {
            name: string;
            value: {
                [key: string]: unknown;
            };
            sample: number;
            body?: string | null;
        };
        TestJson: {
            request: components["schemas"]["RequestJson"];
            response: components["schemas"]["AnswerJson"] | null;
            error: string | null;
            duration_ms: number;
            earlier?: components["schemas"]["TestJson"][];
        };
        TestSend: {
            sample: number;
            body?: string | null;
        };
        TimesOut: {
            times: string[];
            errors: components["schemas"]["ProblemJson"][];
        };
        TokenOut: {
            id: string;
            name: string;
            owner: string;
            role: "viewer" | "operator" | "editor" | "admin";
            made_at: string;
            expires_at: string | null;
            used_at: string | null;
        };
        TriedBaseJson: {
            base_url: string;
            result: string;
        };
        TriedOut: {
            channel: string;
            ok: boolean;
            reason: string | null;
        };
        Unsaved: {
            name: string;
            value: {
                [key: string]: unknown;
            };
        };
        UnsavedPreview: {
            requests: components["schemas"]["RequestJson"][];
            notes: components["schemas"]["NoteJson"][];
            refused: components["schemas"]["RefusedJson"][];
            base_url: string;
            base_url_reason: string;
            errors: components["schemas"]["ProblemJson"][];
        };
        UploadedOut: {
            path: string;
            bytes: number;
            format: string;
        };
        VersionOut: {
            version: number;
            at: string;
            author: string;
            changes: components["schemas"]["ChangeOut"][];
        };
        Which: {
            ids?: string[] | null;
            destination?: string | null;
            cause?: string | null;
            outcome?: ("quarantined" | "unknown" | "waiting") | null;
            all: boolean;
        };
        WhoOut: {
            name: string;
            role: "viewer" | "operator" | "editor" | "admin";
        };
        WholeDeliveryJson: {
            delivery: string;
            method: string;
            url: string;
            status: number | null;
            attempts: number;
            duration_ms: number;
            outcome: components["schemas"]["Outcome"];
            reason: string | null;
            records: (string | string[] | null)[];
            at: string;
            test?: boolean;
            kept: boolean;
            request: components["schemas"]["StoredRequestJson"] | null;
            response: components["schemas"]["StoredReplyJson"] | null;
        };
        WholeVersionOut: {
            version: number;
            at: string;
            author: string;
            changes: components["schemas"]["ChangeOut"][];
            yaml: string;
        };
        AttemptJson: {
            at: string;
            method: string;
            url: string;
            attempt: number;
            status: number | null;
            reason: string | null;
            again_in_s: number | null;
        };
        WaitingJson: {
            kind: "rate limit" | "retry" | "batch job";
            seconds: number;
            attempt: number | null;
            status: number | null;
            job: string | null;
        };
        ProgressJson: {
            run: string;
            status: "queued" | "running" | "succeeded" | "partial" | "failed" | "cancelled" | "interrupted";
            records: components["schemas"]["CountsJson"];
            requests: number;
            total: number | null;
            elapsed_s: number;
            rate_per_s: number;
            waiting_for_allowance_s: number;
            phase: string;
            attempts: components["schemas"]["AttemptJson"][];
            waiting_for: components["schemas"]["WaitingJson"] | null;
            left_s: number | null;
            destination: string | null;
        };
        CredentialSettings: {
            connector?: "custify" | "http" | "file";
            path?: string;
            api_key?: string;
            base_url?: string;
            dialect?: "auto" | "native" | "flat";
            rate_limit?: {
                requests?: number;
                per?: number | string;
                batch_cost?: "1" | "jobs" | 1;
            };
            headers?: {
                [key: string]: string;
            } | string;
            allowed_hosts?: string | string[];
            timeout?: number | string;
        };
        SourceSettings: {
            type: "file";
            path: string;
            format?: "csv" | "tsv" | "json" | "ndjson" | "parquet" | "xlsx";
            encoding?: string;
            delimiter?: string;
            skip_lines?: number;
            skip_footer_lines?: number;
            quote?: "double" | "none";
            null_values?: string | string[];
            decimal?: "." | ",";
            sheet?: string | number;
            records_path?: string;
        } | {
            type: "sql";
            url: string;
            query?: string;
            table?: string;
            cursor?: {
                column: string;
                overlap?: number | string;
            } | string;
            decimal?: "." | ",";
        } | {
            type: "webhook";
            auth?: {
                type: "key";
                header?: string;
                query?: string;
                basic?: string;
            } | {
                type: "hmac";
                scheme?: "standard" | "generic";
                header?: string;
                algorithm?: "sha256" | "sha512" | "sha1";
                encoding?: "hex" | "base64";
                prefix?: string;
                timestamp_header?: string;
                tolerance?: number | string;
            } | "none";
            secret?: string;
            max_bytes?: number;
            rate_limit?: {
                requests?: number;
                per?: number | string;
            };
            flush?: {
                records?: number;
                after?: number | string;
            };
            retain?: number | string;
            columns?: {
                [key: string]: "text" | "integer" | "number" | "boolean" | "date" | "timestamp" | "json";
            };
            decimal?: "." | ",";
        } | {
            type: "custify";
            credential: string;
            object: "companies" | "people" | "deals" | "invoices" | "subscriptions" | "tasks" | "notes" | "tickets" | "segments" | "tags" | "custom_data";
            query?: {
                [key: string]: string;
            };
        };
        DatasetSettings: {
            source: string;
            key: string | string[];
            sql?: string;
            types?: {
                [key: string]: "text" | "integer" | "number" | "boolean" | "date" | "timestamp" | "json";
            };
        };
        DestinationSettings: {
            dataset: string;
            credential: string;
            template?: string;
            request?: {
                method: "POST" | "PUT" | "PATCH" | "DELETE" | "GET";
                url: string;
                content_format?: "json" | "xml" | "form";
                headers?: {
                    [key: string]: string;
                } | string;
                batch?: {
                    size?: number;
                    max_bytes?: number;
                    grouping?: {
                        algorithm?: "array" | "property" | "code";
                        property?: string;
                        other_props?: {
                            [key: string]: unknown;
                        };
                        code?: string;
                    };
                } | ("on" | "off");
                body?: boolean;
                idempotent?: boolean;
                idempotency?: {
                    header?: string;
                    value: string;
                };
                settle?: {
                    url: string;
                    found: string;
                };
                xml?: {
                    root?: string;
                    record?: string;
                };
            };
            fields?: {
                [key: string]: {
                    value?: unknown;
                    column?: string;
                    default?: unknown;
                    truncate?: boolean;
                    if_unchanged?: boolean;
                } | string;
            };
            attributes?: ("all" | "none") | string[];
            exclude?: string | string[];
            nulls?: "omit" | "send";
            mode?: "changed" | "new" | "all" | "mirror";
            active?: boolean;
            path?: string;
            object?: "person" | "company" | "event" | "custom_object";
            concurrency?: number;
            batch?: {
                size?: number;
                max_bytes?: number;
                grouping?: {
                    algorithm?: "array" | "property" | "code";
                    property?: string;
                    other_props?: {
                        [key: string]: unknown;
                    };
                    code?: string;
                };
            } | ("auto" | "on" | "off");
            fuse?: {
                ratio?: number;
                after?: number;
                in_a_row?: number;
            } | "off";
            mirror_max_share?: number;
            on_delete?: {
                set?: {
                    [key: string]: unknown;
                };
            } | "delete";
            on_changed?: "quarantine" | "ignore";
            external_id?: string | string[];
            data_id?: string | string[];
            company_link?: "add" | "replace";
            identity?: "warn" | "refuse";
            new_columns?: "note" | "send" | "refuse";
            on_unknown?: "settle" | "hold";
            settle_after?: number | string;
            confirm_timeout?: number | string;
            append?: boolean;
            canary?: number;
            responses?: boolean;
        };
        FlowSettings: {
            schedule?: string;
            timezone?: string;
            catch_up?: "latest" | "all" | "none";
            destinations: string | string[];
            reconcile_every?: number | string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
