/** The draft of an unsaved destination. */
import type { DestinationValue } from "@/api/types";
import type { Scheduled } from "@/resources/schedules/schedule";

/** The flow that runs it; null: a new flow. */
export interface Plan extends Scheduled {
  flow: string | null;
}

export interface Draft {
  when?: Plan | undefined;
  connector?: "custify" | "http" | "file" | undefined;
  name: string;
  value: DestinationValue;
  /** The ETag of the version that is edited; null for a new destination. */
  etag: string | null;
}
