/** The file that a destination writes: its name, whether records are added to it, and which columns are left out. */
import { Select, Switch, TagsInput, TextInput } from "@mantine/core";
import type { Column, DestinationValue, Problem } from "@/api/types";
import { messageAt, Panel, useFieldValidity } from "@/parts";
import { t } from "@/texts/pages/destinations";
import classes from "../style.module.css";

interface Props {
  value: DestinationValue;
  set: (change: Record<string, unknown>) => void;
  columns: Column[];
  problems: Problem[];
}

export function FileForm({ value, set, columns, problems }: Props) {
  const append = value.append === true;
  const nameError = messageAt(problems, "path");
  const nameId = useFieldValidity(nameError === undefined); // a file with a wrong name cannot be saved
  return (
    <Panel title={t.configure.file}>
      <div className={classes.form}>
        <TextInput
          label={t.configure.fileName}
          description={t.configure.fileNameHint}
          placeholder="people.csv"
          value={value.path ?? ""}
          spellCheck={false}
          id={nameId}
          error={nameError}
          onChange={(event) => set({ path: event.currentTarget.value })}
        />
        <Switch
          label={t.configure.append}
          description={t.configure.appendHint}
          checked={append}
          error={messageAt(problems, "append")}
          onChange={(event) => set(event.currentTarget.checked ? { append: true } : { append: undefined, mode: undefined })}
        />
        {append && (
          <Select
            label={t.configure.mode}
            data={Object.entries(t.configure.fileModes).map(([mode, label]) => ({ value: mode, label }))}
            value={value.mode ?? "all"}
            allowDeselect={false}
            error={messageAt(problems, "mode")}
            onChange={(mode) => set({ mode: mode === "all" ? undefined : mode })}
          />
        )}
        <TagsInput
          label={t.configure.exclude}
          description={t.configure.excludeHint}
          data={columns.map((column) => column.name)}
          value={[value.exclude ?? []].flat()}
          error={messageAt(problems, "exclude")}
          onChange={(exclude) => set({ exclude })}
        />
      </div>
    </Panel>
  );
}
