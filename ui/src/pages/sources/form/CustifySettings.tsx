/** The settings of a source that reads a Custify account, which are not edited here. */
import { TextInput } from "@mantine/core";
import type { CustifySourceValue } from "@/api/types";
import { Panel } from "@/parts";
import { t } from "@/texts/pages/sources";

export function CustifySettings({ value }: { value: CustifySourceValue }) {
  const query = Object.entries(value.query ?? {});
  return (
    <Panel title={t.custify.title}>
      <TextInput label={t.custify.credential} value={value.credential} readOnly />
      <TextInput label={t.custify.object} value={value.object} readOnly />
      {query.length > 0 && <TextInput label={t.custify.query} value={query.map(([name, setting]) => `${name}=${setting}`).join(", ")} readOnly />}
    </Panel>
  );
}
