// Made of the API's own description by `npm run api`; a test looks that it is in step with 194b768e9f02c032
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
            state: string;
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
        AnswerOut: {
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
        BucketOut: {
            at: string;
            delivered: number;
            accepted: number;
            unchanged: number;
            quarantined: number;
            unknown: number;
            waiting: number;
            unsent: number;
            requests: number;
            p50_ms: number | null;
            p95_ms: number | null;
        };
        ChangeOut: {
            path: string;
            change: string;
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
        CheckOut: {
            credential: string;
            ok: boolean;
            base_url: string | null;
            dialect: string | null;
            tried: {
                [key: string]: string;
            }[];
            allowance: {
                [key: string]: number;
            } | null;
            reason: string;
        };
        ChoiceOut: {
            value: string;
            shows: string;
        };
        ColumnOut: {
            name: string;
            type: string;
            nullable: boolean;
            examples: string[];
        };
        CountsOut: {
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
        DatasetLook: {
            columns: components["schemas"]["ColumnOut"][];
            rows: {
                [key: string]: unknown;
            }[];
            records: number;
            complete: boolean;
            errors: components["schemas"]["SqlProblemOut"][];
        };
        DatasetOut: {
            dataset: string;
            key: string[];
            schema: components["schemas"]["SchemaOut"];
            extra_columns: string[];
            gone_columns: string[];
        };
        DeliveryOut: {
            delivery: string;
            method: string | null;
            url: string | null;
            status: number | null;
            attempts: number;
            duration_ms: number | null;
            outcome: string;
            reason: string | null;
            records: (string | string[] | null)[];
            at: string;
            test: boolean;
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
            level: string;
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
        EdgeOut: {
            kind: string;
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
        EntryOut: {
            id: number;
            at: string;
            who: string;
            action: string;
            what: string;
            from: string;
            result: string;
        };
        ExternalOut: {
            field: string;
            setting: string | null;
            max_length: number | null;
        };
        FeedPauseOut: {
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
            examples: {
                [key: string]: unknown;
            }[];
        };
        FindingsOut: {
            records: number | null;
            checked: number;
            refused: components["schemas"]["FindingOut"][];
            notes: components["schemas"]["NoteOut"][];
            errors: components["schemas"]["ProblemOut"][];
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
            kind: string;
            name: string;
            title: string;
            where: string;
            path: string;
        };
        GroupOut: {
            destination: string;
            cause: string;
            outcome: string;
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
        HeldOut: {
            id: string;
            destination: string;
            key: string | string[] | null;
            outcome: string;
            cause: string;
            reason: string;
            field: string | null;
            at: string;
            run: string | null;
            rule: string;
            values: {
                [key: string]: unknown;
            } | null;
        };
        HeldWhole: {
            id: string;
            destination: string;
            key: string | string[] | null;
            outcome: string;
            cause: string;
            reason: string;
            field: string | null;
            at: string;
            run: string | null;
            rule: string;
            values: {
                [key: string]: unknown;
            } | null;
            record: unknown;
            record_text: string;
            value: string | null;
            accepted: string | null;
            request: {
                [key: string]: unknown;
            } | null;
            reply: {
                [key: string]: unknown;
            } | null;
        };
        HookKeyOut: {
            key: string;
        };
        HookOut: {
            url: string;
            auth: {
                [key: string]: unknown;
            };
            received: number;
            last_at: string | null;
            samples: components["schemas"]["HookSampleOut"][];
            paused: components["schemas"]["FeedPauseOut"][];
        };
        HookSampleOut: {
            at: string;
            record: unknown;
        };
        HowToCheck: {
            refresh: boolean;
        };
        LinkOut: {
            link: string;
        };
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
            role: string;
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
            role: string;
            made_at: string;
            expires_at: string | null;
            used_at: string | null;
            token: string;
        };
        NodeOut: {
            id: string;
            kind: string;
            name: string;
            state: {
                [key: string]: unknown;
            };
        } & {
            [key: string]: unknown;
        };
        NoteOut: {
            field: string;
            action: string;
            reason: string;
            count: number | null;
        };
        OidcOut: {
            label: string;
            url: string;
        };
        OverviewOut: {
            nodes: components["schemas"]["NodeOut"][];
            edges: components["schemas"]["EdgeOut"][];
        };
        Page_AlertOut_: {
            items: components["schemas"]["AlertOut"][];
            next?: string | null;
        };
        Page_DeliveryOut_: {
            items: components["schemas"]["DeliveryOut"][];
            next?: string | null;
        };
        Page_DiscardOut_: {
            items: components["schemas"]["DiscardOut"][];
            next?: string | null;
        };
        Page_EntryOut_: {
            items: components["schemas"]["EntryOut"][];
            next?: string | null;
        };
        Page_FormatOut_: {
            items: components["schemas"]["FormatOut"][];
            next?: string | null;
        };
        Page_FoundOut_: {
            items: components["schemas"]["FoundOut"][];
            next?: string | null;
        };
        Page_GroupOut_: {
            items: components["schemas"]["GroupOut"][];
            next?: string | null;
        };
        Page_HeldOut_: {
            items: components["schemas"]["HeldOut"][];
            next?: string | null;
        };
        Page_PersonOut_: {
            items: components["schemas"]["PersonOut"][];
            next?: string | null;
        };
        Page_RecordOut_: {
            items: components["schemas"]["RecordOut"][];
            next?: string | null;
        };
        Page_ReplyOut_: {
            items: components["schemas"]["ReplyOut"][];
            next?: string | null;
        };
        Page_ResourceOut_: {
            items: components["schemas"]["ResourceOut"][];
            next?: string | null;
        };
        Page_RunOut_: {
            items: components["schemas"]["RunOut"][];
            next?: string | null;
        };
        Page_TemplateOut_: {
            items: components["schemas"]["TemplateOut"][];
            next?: string | null;
        };
        Page_TokenOut_: {
            items: components["schemas"]["TokenOut"][];
            next?: string | null;
        };
        Page_TriedOut_: {
            items: components["schemas"]["TriedOut"][];
            next?: string | null;
        };
        Page_VersionOut_: {
            items: components["schemas"]["VersionOut"][];
            next?: string | null;
        };
        PartOut: {
            run: string;
            destination?: string | null;
            flow?: string | null;
            status: string;
            records: components["schemas"]["CountsOut"];
            deleted: number;
            requests: number;
            retries: number;
            duration_s: number;
            notes: components["schemas"]["NoteOut"][];
            reason?: string | null;
            errors: components["schemas"]["ProblemOut"][];
            started_at: string | null;
            finished_at: string | null;
        };
        PersonOut: {
            name: string;
            role: string;
            email: string | null;
            has_password: boolean;
            has_sign_on: boolean;
            made_at: string;
            seen_at: string | null;
        };
        PlanOut: {
            destination?: string | null;
            flow?: string | null;
            records: number;
            creates_or_updates: number;
            unchanged: number;
            deletes: number;
            invalid: number;
            held: number;
            requests: number;
            asking: number;
            eta_s: number;
            first_errors: components["schemas"]["RefusedOut"][];
            notes: components["schemas"]["NoteOut"][];
            base_url?: string | null;
            destinations: components["schemas"]["PlanOut"][];
            skipped: {
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
            requests: components["schemas"]["RequestOut"][];
            notes: components["schemas"]["NoteOut"][];
            refused: components["schemas"]["RefusedOut"][];
            base_url: string;
            base_url_reason: string;
        };
        ProblemOut: {
            path: string;
            line: number | null;
            code: string;
            found: string | null;
            message: string;
            hint: string;
            file: string | null;
            choices: components["schemas"]["ChoiceOut"][];
        };
        Problems: {
            errors: components["schemas"]["ProblemOut"][];
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
        RecordOut: {
            key: string | string[] | null;
            outcome: string;
            reason: string | null;
            field: string | null;
            delivery: string | null;
            ordinal: number;
            run: string;
            rule?: string | null;
            values?: {
                [key: string]: unknown;
            } | null;
            held: boolean;
        };
        RefusedOut: {
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
        ReplyOut: {
            id: number;
            sent_at: string;
            run: string;
            delivery: string;
            attempt: number;
            request: {
                [key: string]: unknown;
            };
            response: {
                [key: string]: unknown;
            } | null;
            duration_ms: number | null;
            outcome: string;
            records: unknown[];
            error: string | null;
        };
        RequestOut: {
            method: string;
            url: string;
            headers: {
                [key: string]: string;
            };
            body: string | null;
            records: (string | string[])[];
            unresolved: string[];
        };
        ResourceOut: {
            name: string;
            value: {
                [key: string]: unknown;
            };
            etag: string;
            state: {
                [key: string]: unknown;
            };
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
            waiting_minutes: number | null;
            repeat_hours: number;
            calm_minutes: number;
        };
        RunOut: {
            run: string;
            destination?: string | null;
            flow?: string | null;
            status: string;
            records: components["schemas"]["CountsOut"];
            deleted: number;
            requests: number;
            retries: number;
            duration_s: number;
            notes: components["schemas"]["NoteOut"][];
            reason?: string | null;
            errors: components["schemas"]["ProblemOut"][];
            started_at: string | null;
            finished_at: string | null;
            destinations: components["schemas"]["PartOut"][];
            skipped: {
                [key: string]: string;
            };
            kind: string;
            trigger: string;
            asked_by: string;
            asked_at: string;
        };
        SamplesOut: {
            columns: components["schemas"]["ColumnOut"][];
            rows: {
                [key: string]: unknown;
            }[];
            problems: components["schemas"]["ProblemOut"][];
        };
        SchemaOut: {
            columns: components["schemas"]["ColumnOut"][];
            records: number;
            source: components["schemas"]["SchemaOut"] | null;
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
        SignIn: {
            name: string;
            password: string;
        };
        SourceLook: {
            columns: components["schemas"]["ColumnOut"][];
            rows: {
                [key: string]: unknown;
            }[];
            records: number;
            complete: boolean;
            problems: components["schemas"]["ProblemOut"][];
            tables: string[] | null;
        };
        SqlProblemOut: {
            path: string;
            line?: number | null;
            code: string;
            found?: string | null;
            message: string;
            hint: string;
            file?: string | null;
            choices: components["schemas"]["ChoiceOut"][];
            column?: number | null;
        };
        Start: {
            target: string;
            from?: string | null;
        };
        StatsOut: {
            minutes: number;
            buckets: components["schemas"]["BucketOut"][];
            budget: components["schemas"]["AllowanceOut"][];
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
            required: string[];
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
            modes: string[];
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
        TestOut: {
            request: components["schemas"]["RequestOut"];
            response: components["schemas"]["AnswerOut"] | null;
            error: string | null;
            duration_ms: number;
            earlier: components["schemas"]["TestOut"][];
        };
        TestSend: {
            sample: number;
            body?: string | null;
        };
        TimesOut: {
            times: string[];
            errors: components["schemas"]["ProblemOut"][];
        };
        TokenOut: {
            id: string;
            name: string;
            owner: string;
            role: string;
            made_at: string;
            expires_at: string | null;
            used_at: string | null;
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
            requests: components["schemas"]["RequestOut"][];
            notes: components["schemas"]["NoteOut"][];
            refused: components["schemas"]["RefusedOut"][];
            base_url: string;
            base_url_reason: string;
            errors: components["schemas"]["ProblemOut"][];
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
            role: string;
        };
        WholeDeliveryOut: {
            delivery: string;
            method: string | null;
            url: string | null;
            status: number | null;
            attempts: number;
            duration_ms: number | null;
            outcome: string;
            reason: string | null;
            records: (string | string[] | null)[];
            at: string;
            test: boolean;
            kept: boolean;
            request: {
                [key: string]: unknown;
            } | null;
            response: {
                [key: string]: unknown;
            } | null;
        };
        WholeVersionOut: {
            version: number;
            at: string;
            author: string;
            changes: components["schemas"]["ChangeOut"][];
            yaml: string;
        };
        CredentialSettings: {
            connector?: "custify" | "http";
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
            format?: "csv" | "tsv" | "json" | "ndjson" | "parquet";
            encoding?: string;
            delimiter?: string;
            skip_lines?: number;
            skip_footer_lines?: number;
            quote?: "double" | "none";
            null_values?: string | string[];
            decimal?: "." | ",";
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
            on_changed?: "quarantine" | "ignore";
            external_id?: string | string[];
            data_id?: string | string[];
            company_link?: "add" | "replace";
            new_columns?: "note" | "send" | "refuse";
            responses?: boolean;
        };
        FlowSettings: {
            schedule?: string;
            timezone?: string;
            catch_up?: "latest" | "all" | "none";
            destinations: string | string[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
