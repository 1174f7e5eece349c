/** What is kept of a destination that is not saved yet. */
import type { DestinationValue } from "@/api/types";
import type { Scheduled } from "@/resources/schedules/schedule";

/** When it shall run: with a flow that is there, or, null, with one of its own. */
export interface Plan extends Scheduled {
  flow: string | null;
}

export interface Draft {
  when?: Plan | undefined;
  connector?: "custify" | "http" | undefined;
  name: string;
  value: DestinationValue;
  /** Of the version that was edited; null for a new one. */
  etag: string | null;
}
