import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { PlotProps } from "./Plot";

const Plot = lazy(() => import("./Plot"));

export function Chart(props: PlotProps) {
  return (
    <Suspense fallback={<Skeleton height={props.height ?? 180} />}>
      <Plot {...props} />
    </Suspense>
  );
}
