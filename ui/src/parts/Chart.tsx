import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";

export interface ChartProps {
  kind: "area" | "bar" | "line";
  data: Record<string, unknown>[];
  /** Member of each datum on the x axis. */
  x: string;
  series: { name: string; color: string; label?: string }[];
  /** What it shows, in words. */
  label: string;
  height?: number;
  stacked?: boolean;
  format?: (value: number) => string;
}

const Plot = lazy(() => import("./charts/Plot"));

export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<Skeleton height={props.height ?? 180} />}>
      <Plot {...props} />
    </Suspense>
  );
}
