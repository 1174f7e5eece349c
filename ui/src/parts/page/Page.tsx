import { Skeleton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconChevronRight } from "@tabler/icons-react";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import { t } from "@/texts/shell";
import classes from "./Page.module.css";

export interface Crumb {
  label: string;
  to: string;
}
interface Props {
  title: string;
  /** Before the title: a status, an icon. */
  before?: ReactNode;
  /** Beside the title. */
  after?: ReactNode;
  description?: ReactNode;
  crumbs?: Crumb[];
  actions?: ReactNode;
  /** Tabs or filters directly under the heading. */
  below?: ReactNode;
  /** `text` for forms, `wide` for tables, `fill` when the content scrolls by itself (canvas, tables). */
  width?: "text" | "wide" | "fill";
  children: ReactNode;
}

const Within = createContext(false);
/** Whether the component is inside a page. */
export const useWithin = (): boolean => useContext(Within);

/** The layout of every page: document title, heading, actions, width. */
export function Page({ title, before, after, description, crumbs, actions, below, width = "wide", children }: Props) {
  useEffect(() => {
    document.title = `${title} · ${t.product}`;
  }, [title]);
  return (
    <div className={classes.page} data-width={width}>
      <header className={classes.head}>
        {crumbs && (
          <nav aria-label={t.nav.crumbs} className={classes.crumbs}>
            {crumbs.map((crumb) => (
              <span key={crumb.to}>
                <Link to={crumb.to}>{crumb.label}</Link>
                <IconChevronRight size={12} aria-hidden />
              </span>
            ))}
          </nav>
        )}
        <div className={classes.line}>
          <div className={classes.title}>
            {before}
            <h1 title={title}>{title}</h1>
            {after}
          </div>
          {actions && <div className={classes.actions}>{actions}</div>}
        </div>
        {description && <p className={classes.description}>{description}</p>}
        {below && <div className={classes.below}>{below}</div>}
      </header>
      <div className={classes.body}>
        <Within value>{children}</Within>
      </div>
    </div>
  );
}

/** A placeholder for a page that is loading, with the height of its heading. */
export function PageToCome({ children }: { children: ReactNode }) {
  return (
    <div className={classes.page} data-width="wide">
      <div className={classes.head}>
        <Skeleton height={11} width={84} mb={14} />
        <Skeleton height={18} width={220} mb={6} />
      </div>
      <div className={classes.body}>{children}</div>
    </div>
  );
}

/** A bordered part of a page with a heading. */
export function Panel({ title, actions, flush, children, label }: { title?: ReactNode; actions?: ReactNode; flush?: boolean; children: ReactNode; label?: string }) {
  return (
    <section className={classes.panel} aria-label={label}>
      {(title !== undefined || actions !== undefined) && (
        <header className={classes.panelHead}>
          <h2>{title}</h2>
          {actions && <div className={classes.actions}>{actions}</div>}
        </header>
      )}
      <div className={flush ? undefined : classes.panelBody}>{children}</div>
    </section>
  );
}

/** A list of names and values, one per line. */
export function Facts({ items }: { items: [label: string, value: ReactNode][] }) {
  return (
    <dl className={classes.facts}>
      {items.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
