/** The names under which the pages use the generated shapes of `schema.ts`; no shape is written here. Moments are ISO text in UTC. */
import type { components } from "./schema";

type S = components["schemas"];

/** One page of a list. */
export type Items<T> = Omit<S["Page_RunJson_"], "items"> & { items: T[] };
/** The client makes some itself, of these members alone. */
export type Problem = Pick<S["ProblemJson"], "path" | "code" | "message"> & Partial<S["ProblemJson"]>;
export type Validation = S["Problems"];

export type Role = S["WhoOut"]["role"];
export type Session = S["SessionOut"];
export type Person = S["PersonOut"];
export type NewPerson = S["NewPersonOut"];
export type PasswordLink = S["LinkOut"];
export type Token = S["TokenOut"];
export type NewToken = S["NewTokenOut"];
export type AuditEntry = S["EntryOut"];

/** A resource; `value` is as in the project file. */
export type Resource<V = S["ResourceJson"]["value"], State = S["ResourceJson"]["state"]> = Omit<S["ResourceJson"], "value" | "state"> & { value: V; state: State };
export type CredentialState = S["CredentialStateJson"];
export type SourceState = S["SourceStateJson"];
export type DatasetState = S["DatasetStateJson"];
export type DestinationState = S["DestinationStateJson"];
export type FlowState = S["FlowStateJson"];
export type Check = S["CheckJson"] & Partial<S["CheckedJson"]>;
export type Dialect = CredentialState["dialect"];
export type CredentialValue = S["CredentialSettings"];
export type Credential = Resource<CredentialValue, CredentialState>;
export type SourceType = S["SourceSettings"]["type"];
type Settings<Type extends SourceType> = Partial<Omit<Extract<S["SourceSettings"], { type: Type }>, "type">>;
/** The settings of a source while its form is open: those of every type. */
export type SourceValue = { type: SourceType } & Settings<"file"> & Settings<"sql"> & Settings<"webhook">;
export type CustifySourceValue = Extract<S["SourceSettings"], { type: "custify" }>;
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

export type Comparison = S["LastReconcileJson"];
export type ComparisonReport = S["ReconcileJson"];
export type ComparisonCounts = S["ReconcileCountsJson"];
export type Difference = S["DifferenceJson"];

export type Overview = S["OverviewJson"];
export type SourceNode = S["SourceNodeJson"];
export type DatasetNode = S["DatasetNodeJson"];
export type DestinationNode = S["DestinationNodeJson"];
export type FlowNode = S["FlowNodeJson"];

export type Hook = S["HookJson"];
export type HookKey = S["HookKeyOut"];
export type Upload = S["UploadedOut"];
/** A format of files that sources read. */
export type FileFormat = S["FormatOut"];
export type Column = S["ColumnOut"];
/** The first records of a saved dataset, of a source, of a dataset that is not saved. */
export type Samples = S["SamplesOut"];
export type SourcePreview = S["SourceLook"];
export type DatasetPreview = S["DatasetLook"];

export type Template = S["TemplateOut"];
export type TemplateField = S["TemplateFieldOut"];

/** Every outcome, in the order of the glossary. */
export const OUTCOMES = ["delivered", "accepted", "unchanged", "quarantined", "unknown", "waiting", "unsent"] as const satisfies readonly Outcome[];
export type Outcome = S["Outcome"];
export type Counts = Partial<S["CountsJson"]>;
export type Note = S["NoteJson"];
export type Run = S["RunJson"];
export type RunPart = S["RunPartJson"];
export type RunStatus = Run["status"];
/** The event `progress` of GET /runs/{run}/events. */
export type Progress = S["ProgressJson"];
export type Attempt = S["AttemptJson"];
export type Waiting = S["WaitingJson"];
export type Plan = S["PlanJson"];
/** People of a dataset that Custify would hold twice. */
export type Identity = S["IdentityOut"];
export type IdentityCounts = S["IdentityCounts"];
export type RunRecord = S["RecordJson"];
export type RecordKey = RunRecord["key"];
export type Delivery = S["DeliveryJson"];
export type WholeDelivery = S["WholeDeliveryJson"];
export type StoredResponse = S["StoredReplyJson"];
export type Reply = S["ReplyJson"];

export type PreviewedRequest = S["RequestJson"];
export type RefusedRecord = S["RefusedJson"];
export type Preview = S["UnsavedPreview"];
export type Findings = S["FindingsOut"];
export type TestReport = S["TestJson"];

export type QuarantineEntry = S["QuarantineEntryJson"];
export type QuarantineDetail = S["HeldJson"];
export type QuarantineGroup = S["QuarantineGroupJson"];
export type Discarded = S["Discarded"];
/** A discard of many records, in the background. */
export type Discard = S["DiscardOut"];

export type Bucket = S["BucketJson"];
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
