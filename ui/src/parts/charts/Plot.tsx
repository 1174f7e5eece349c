import "@mantine/charts/styles.css";
import { AreaChart, BarChart, LineChart } from "@mantine/charts";

export interface PlotProps {
  kind: "area" | "bar" | "line";
  data: Record<string, unknown>[];
  /** The member of each datum for the x axis. */
  x: string;
  series: { name: string; color: string; label?: string }[];
  /** The accessible name. */
  label: string;
  height?: number;
  stacked?: boolean;
  format?: (value: number) => string;
}

const STILL = { isAnimationActive: false }; // the data is refreshed every few seconds

export default function Plot({ kind, data, series, x, height = 180, stacked, format, label }: PlotProps) {
  const shared = {
    h: height,
    data,
    dataKey: x,
    series,
    withLegend: series.length > 1,
    gridAxis: "x" as const,
    tickLine: "none" as const,
    tooltipAnimationDuration: 0,
    styles: { legendItemName: { fontSize: 12 }, legendItem: { padding: "2px 8px" } },
    legendProps: { height: 26 },
    ...(format && { valueFormatter: format }),
  };
  const type = stacked ? "stacked" : "default";
  return (
    <figure aria-label={label} style={{ margin: 0 }}>
      {kind === "bar" && <BarChart {...shared} type={type} barProps={STILL} />}
      {kind === "area" && <AreaChart {...shared} type={type} withDots={false} strokeWidth={1.5} fillOpacity={0.35} areaProps={STILL} />}
      {kind === "line" && <LineChart {...shared} dotProps={{ r: 2.5, strokeWidth: 0 }} connectNulls={false} strokeWidth={1.5} lineProps={STILL} />}
    </figure>
  );
}
