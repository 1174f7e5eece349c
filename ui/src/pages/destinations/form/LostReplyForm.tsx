/** What happens after a lost reply to a manual request: whether it is sent again, and how its record is looked up. */
import { Select, TextInput } from "@mantine/core";
import type { Problem, RequestValue } from "@/api/types";
import { messageAt } from "@/parts";
import { t } from "@/texts/pages/destinations";
import classes from "../style.module.css";
import { type Macro, MacroInput } from "./MacroInput";

interface Props {
  request: RequestValue;
  set: (change: { [K in keyof RequestValue]?: RequestValue[K] | undefined }) => void;
  /** Macros that are the same each time they are made for one record. */
  macros: Macro[];
  problems: Problem[];
}

const HEADER = "Idempotency-Key"; // if no name is given

export function LostReplyForm({ request, set, macros, problems }: Props) {
  const { header = "", value = "" } = request.idempotency ?? {};
  const { url = "", found = "" } = request.settle ?? {};
  const setIdempotency = (header: string, value: string) => set({ idempotency: header + value === "" ? undefined : header === "" ? { value } : { header, value } });
  const setSettle = (url: string, found: string) => set({ settle: url + found === "" ? undefined : { url, found } });
  return (
    <>
      <Select
        label={t.configure.idempotent}
        description={t.configure.idempotentHint}
        data={[
          { value: "auto", label: t.configure.idempotentAuto },
          { value: "true", label: t.configure.idempotentYes },
          { value: "false", label: t.configure.idempotentNo },
        ]}
        value={request.idempotent === undefined ? "auto" : String(request.idempotent)}
        allowDeselect={false}
        onChange={(input) => set({ idempotent: input === "auto" ? undefined : input === "true" })}
      />
      <div className={classes.line}>
        <TextInput
          label={t.configure.idempotencyHeader}
          placeholder={HEADER}
          value={header}
          error={messageAt(problems, "request.idempotency.header", "request.idempotency")}
          onChange={(event) => setIdempotency(event.currentTarget.value, value)}
        />
        <MacroInput
          className={classes.grow}
          label={t.configure.idempotencyValue}
          value={value}
          macros={macros}
          error={messageAt(problems, "request.idempotency.value")}
          onChange={(text) => setIdempotency(header, text)}
        />
      </div>
      <p className={classes.hint}>{t.configure.idempotencyHint}</p>
      <div className={classes.line}>
        <MacroInput
          className={classes.grow}
          label={t.configure.settleUrl}
          value={url}
          macros={macros}
          error={messageAt(problems, "request.settle.url")}
          onChange={(text) => setSettle(text, found)}
        />
        <TextInput
          label={t.configure.settleFound}
          placeholder="$.data[0].id"
          value={found}
          spellCheck={false}
          error={messageAt(problems, "request.settle.found")}
          onChange={(event) => setSettle(url, event.currentTarget.value)}
        />
      </div>
      <p className={classes.hint}>{t.configure.settleHint}</p>
    </>
  );
}
