/** Code to read or edit. The editor is loaded when it is first shown; a placeholder has its height meanwhile. */
import { lazy, Suspense } from "react";
import type { CodeProps } from "./CodeEditor";
import type { DiffProps } from "./DiffView";
import classes from "./Code.module.css";
import { Copy } from "../values/Copy";

const CodeEditor = lazy(() => import("./CodeEditor"));
const DiffView = lazy(() => import("./DiffView"));

export function Code(props: CodeProps) {
  const plain = (
    <pre className={classes.meanwhile} data-lines={props.lines !== false} style={{ minHeight: props.minHeight, maxHeight: props.maxHeight }}>
      {props.value}
    </pre>
  );
  return (
    <div className={classes.box} data-writable={props.readOnly !== true}>
      {props.readOnly && <Copy text={props.value} className={classes.copy} />}
      <Suspense fallback={plain}>
        <CodeEditor {...props} />
      </Suspense>
    </div>
  );
}

/** The differences between two texts, in one column. */
export function Diff(props: DiffProps) {
  return (
    <div className={classes.box}>
      <Suspense fallback={<pre className={classes.meanwhile} data-lines style={{ maxHeight: props.maxHeight }}>{props.after}</pre>}>
        <DiffView {...props} />
      </Suspense>
    </div>
  );
}
