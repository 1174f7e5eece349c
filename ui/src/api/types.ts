/** The names under which the pages use the generated shapes of `schema.ts`; no shape is written here. Moments are ISO text in UTC. */
import type { CredentialState, DatasetState, DestinationState, Finding, FlowState, HookAuth, SourceState, StoredRequest, StoredResponse } from "./open";
import type { components } from "./schema";

export type * from "./open";

type S = components["schemas"];

/** A list's page. */
export type Items<T> = Omit<S["Page_RunOut_"], "items" | "next"> & { items: T[]; next: string | null };
/** The client makes some itself, of these members alone. */
export type Problem = Pick<S["ProblemOut"], "path" | "code" | "message"> & Partial<S["ProblemOut"]>;
export type Validation = S["Problems"];

export type Role = S["NewPerson"]["role"];
export type Session = S["SessionOut"];
export type Person = S["PersonOut"];
export type NewPerson = S["NewPersonOut"];
export type PasswordLink = S["LinkOut"];
export type Token = S["TokenOut"];
export type NewToken = S["NewTokenOut"];
export type AuditEntry = S["EntryOut"];

/** A resource; `value` is as in the project file. */
export type Resource<V = S["ResourceOut"]["value"], State = S["ResourceOut"]["state"]> = Omit<S["ResourceOut"], "value" | "state"> & { value: V; state: State };
export type CredentialValue = S["CredentialSettings"];
export type Credential = Resource<CredentialValue, CredentialState>;
export type SourceType = S["SourceSettings"]["type"];
type Settings<Type extends SourceType> = Partial<Omit<Extract<S["SourceSettings"], { type: Type }>, "type">>;
/** The settings of a source while its form is open: those of every type. */
export type SourceValue = { type: SourceType } & Settings<"file"> & Settings<"sql"> & Settings<"webhook">;
export type Source = Resource<SourceValue, SourceState>;
export type DatasetValue = S["DatasetSettings"];
export type Dataset = Resource<DatasetValue, DatasetState>;
export type DestinationValue = S["DestinationSettings"];
export type Destination = Resource<DestinationValue, DestinationState>;
export type RequestValue = NonNullable<DestinationValue["request"]>;
export type FieldValue = NonNullable<DestinationValue["fields"]>[string];
export type BatchValue = Exclude<NonNullable<DestinationValue["batch"]>, string>;
export type Grouping = NonNullable<BatchValue["grouping"]>;
export type FlowValue = S["FlowSettings"];
export type Flow = Resource<FlowValue, FlowState>;
export type Kinds = { credentials: Credential; sources: Source; datasets: Dataset; destinations: Destination; flows: Flow };
export type Kind = keyof Kinds;

export type Hook = Omit<S["HookOut"], "auth"> & { auth: HookAuth };
export type HookKey = S["HookKeyOut"];
export type Upload = S["UploadedOut"];
export type Column = S["ColumnOut"];
/** The first records of a saved dataset, of a source, of a dataset that is not saved. */
export type Samples = S["SamplesOut"];
export type SourcePreview = S["SourceLook"];
export type DatasetPreview = S["DatasetLook"];

export type Template = S["TemplateOut"];
export type TemplateField = S["TemplateFieldOut"];

/** Every outcome, in the order of the glossary. */
export const OUTCOMES = ["delivered", "accepted", "unchanged", "quarantined", "unknown", "waiting", "unsent"] as const satisfies readonly (keyof S["CountsOut"])[];
export type Outcome = Exclude<keyof S["CountsOut"], "read">;
export type Counts = Partial<S["CountsOut"]>;
export type Note = S["NoteOut"];
export type RunRecord = S["RecordOut"];
export type RecordKey = RunRecord["key"];
export type Delivery = S["DeliveryOut"];
export type WholeDelivery = Omit<S["WholeDeliveryOut"], "request" | "response"> & { request: StoredRequest | null; response: StoredResponse | null };
export type Reply = Omit<S["ReplyOut"], "records" | "response"> & { records: RecordKey[]; response: StoredResponse | null };

export type PreviewedRequest = S["RequestOut"];
export type RefusedRecord = S["RefusedOut"];
export type Preview = S["UnsavedPreview"];
export type Findings = Omit<S["FindingsOut"], "refused"> & { refused: Finding[] };
export type TestReport = S["TestOut"];

export type QuarantineEntry = S["HeldOut"];
export type QuarantineDetail = S["HeldWhole"];
export type QuarantineGroup = S["GroupOut"];
export type Discarded = S["Discarded"];
/** A discard of many records, in the background. */
export type Discard = S["DiscardOut"];

export type Bucket = S["BucketOut"];
export type Allowance = S["AllowanceOut"];
export type Stats = S["StatsOut"];
export type Found = S["FoundOut"];
export type ScheduleTimes = S["TimesOut"];

export type Version = S["VersionOut"];
export type WholeVersion = S["WholeVersionOut"];
export type Change = S["ChangeOut"];
export type Project = S["ProjectOut"];
export type AppliedProject = S["AppliedOut"];

export type Alert = S["AlertOut"];
export type AlertSettings = S["AlertSettings"];
export type Channel = S["ChannelDocument"];
export type ChannelTest = S["TriedOut"];
