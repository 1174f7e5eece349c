/** The states of loaded data: loading, failed, empty. */
import { Button, Skeleton } from "@mantine/core";
import { IconAlertTriangle, IconLock, IconRefresh, type TablerIcon } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "@/api/client";
import type { Problem } from "@/api/types";
import { placeText, problemHint, problemText } from "@/texts/service";
import { t } from "@/texts/shell";
import { Page, PageToCome, useWithin } from "./Page";
import classes from "./States.module.css";

/** A placeholder while data loads. `height` is the height of the content, so that the layout does not jump. Outside a page it is a placeholder for the page. */
export function Loading({ height = 240, rows }: { height?: number; rows?: number }) {
  const within = useWithin();
  const lines = rows ?? Math.max(1, Math.floor((height - 32) / 44));
  const place = (
    <div role="status" aria-label={t.states.loading} className={classes.loading} data-panel={rows === undefined && height >= 120} style={{ minHeight: rows ? rows * 36 : height }}>
      {Array.from({ length: Math.min(lines, 12) }, (_, i) => (
        <Skeleton key={i} height={12} width={`${92 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  );
  return within ? place : <PageToCome>{place}</PageToCome>;
}

export function Empty({ icon: Icon, title, children, actions, compact }: { icon?: TablerIcon; title: string; children?: ReactNode; actions?: ReactNode; compact?: boolean }) {
  return (
    <div className={classes.empty} data-compact={compact}>
      {Icon && (
        <span className={classes.icon}>
          <Icon size={22} stroke={1.6} aria-hidden />
        </span>
      )}
      {title !== "" && <p className={classes.emptyTitle}>{title}</p>}
      {children && <div className={classes.emptyText}>{children}</div>}
      {actions && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}

/** Problems with their place, message and hint. */
export function Problems({ problems, title }: { problems: Problem[]; title?: string }) {
  if (problems.length === 0) return null;
  return (
    <div className={classes.problems} role="alert">
      <IconAlertTriangle size={16} aria-hidden />
      <div>
        {title && <p className={classes.problemTitle}>{title}</p>}
        <ul>
          {problems.map((problem, i) => (
            <li key={i}>
              {problem.path !== "" && <strong>{placeText(problem.path)}</strong>} {problemText(problem)}
              <Hint hint={problemHint(problem)} />
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Hint({ hint }: { hint: string }) {
  return hint === "" ? null : <span className={classes.hint}>{hint}</span>;
}

export function problemsOf(error: unknown): Problem[] {
  if (error instanceof ApiError) return error.problems;
  return [{ path: "", code: "defect", message: error instanceof Error ? error.message : String(error), hint: t.states.defectHint }];
}

/** Shown when loading failed. Outside a page it is a page with a heading. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const within = useWithin();
  const status = error instanceof ApiError ? error.status : null;
  const title = status === 403 ? t.states.forbidden : status === 404 ? t.states.notFound : t.states.failed;
  const content =
    status === 403 ? (
      <Empty icon={IconLock} title={within ? title : ""}>
        {t.states.forbiddenHint}
      </Empty>
    ) : (
      <div className={classes.failed}>
        <Problems problems={problemsOf(error)} {...(within && { title })} />
        {retry && (
          <Button variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
            {t.states.retry}
          </Button>
        )}
      </div>
    );
  return within ? content : <Page title={title}>{content}</Page>;
}

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  /** Shown while the data loads; by default a placeholder of `height`. */
  meanwhile?: ReactNode;
  height?: number;
  children: (data: T) => ReactNode;
}
/** Shows the state of a query: data, failed, loading. A failed refresh keeps the data. */
export function Loaded<T>({ query, meanwhile, height, children }: LoadedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return meanwhile ?? <Loading {...(height !== undefined && { height })} />;
}
