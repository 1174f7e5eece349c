/** Code to read or to write; the editor itself is loaded when it is first shown, at the height it will have. */
import type { CompletionSource } from "@codemirror/autocomplete";
import { lazy, Suspense } from "react";
import type { Language, LineError } from "./code/editor";
import classes from "./Code.module.css";
import { Copy } from "./Copy";

export type { Language, LineError };
export interface CodeProps {
  value: string;
  language?: Language;
  /** What it is, for those who cannot see it. */
  label: string;
  onChange?: (text: string) => void;
  onSubmit?: (() => void) | undefined;
  readOnly?: boolean;
  lines?: boolean;
  wrap?: boolean;
  hint?: string;
  errors?: LineError[];
  /** An earlier text: what is new against it is marked. */
  before?: string;
  complete?: CompletionSource;
  minHeight?: number;
  maxHeight?: number;
  autoFocus?: boolean;
}

const CodeEditor = lazy(() => import("./code/CodeEditor"));
const DiffView = lazy(() => import("./code/DiffView"));

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

export interface DiffProps {
  before: string;
  after: string;
  language?: Language;
  label: string;
  /** Unchanged stretches are folded. */
  fold?: boolean;
  maxHeight?: number;
}
/** Two texts, one below the other, with what changed marked. */
export function Diff(props: DiffProps) {
  return (
    <div className={classes.box}>
      <Suspense fallback={<pre className={classes.meanwhile} data-lines style={{ maxHeight: props.maxHeight }}>{props.after}</pre>}>
        <DiffView {...props} />
      </Suspense>
    </div>
  );
}
