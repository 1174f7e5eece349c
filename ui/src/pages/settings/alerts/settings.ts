/** The document of the alerts: where they go, what raises one, and how often. */
export interface Channel {
  url?: string | null;
  allowed_hosts: string[];
  shown?: string | null;
}
type Rules = Record<string, number | boolean | null>;
export interface AlertSettings {
  channels: Record<string, Channel>;
  rules: Rules;
  quiet: string[];
  digest: number;
}
