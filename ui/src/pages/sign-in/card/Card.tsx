import { type ReactNode, useEffect } from "react";
import { t } from "@/texts/shell";
import classes from "./Card.module.css";

/** The layout of pages for signed-out users. */
export function Card({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${t.product}`;
  }, [title]);
  return (
    <main className={classes.place}>
      <div className={classes.card}>
        <div className={classes.brand}>
          <img src="/icon.svg" width={28} height={28} alt="" />
          {t.product}
        </div>
        <h1>{title}</h1>
        {note && <p className={classes.note}>{note}</p>}
        {children}
      </div>
    </main>
  );
}
