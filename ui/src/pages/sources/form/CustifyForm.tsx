/** The settings of a source that reads objects of a Custify account. */
import { Button, Select, TagsInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { Credential, CustifySourceValue } from "@/api/types";
import { Panel } from "@/parts";
import { AddCredential } from "@/resources/credentials/Form";
import classes from "@/resources/style.module.css";
import { t } from "@/texts/pages/sources";
import { isParameter, parametersOf, withParameters } from "../value";

interface Props {
  value: CustifySourceValue;
  onChange: (value: CustifySourceValue) => void;
}

/** Whether the API of the credential can be read: the flat API publishes no reads. */
const isReadable = ({ value, state }: Credential): boolean => (value.connector ?? "custify") === "custify" && state.dialect === "native";

export function CustifyForm({ value, onChange }: Props) {
  const all = useQuery(queries.kind("credentials")).data ?? [];
  const [adding, setAdding] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const names = new Set(all.filter(isReadable).map(({ name }) => name));
  if (value.credential !== "") names.add(value.credential);
  return (
    <Panel title={t.custify.title}>
      <div className={classes.form}>
        <div className={classes.line}>
          <Select className={classes.grow} label={t.custify.credential} description={t.custify.credentialHint} data={[...names]} value={value.credential || null} allowDeselect={false} nothingFoundMessage={t.custify.noCredential} onChange={(credential) => credential && onChange({ ...value, credential })} />
          <Button variant="default" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
            {t.custify.addCredential}
          </Button>
        </div>
        <Select
          label={t.custify.object}
          description={value.object === "custom_data" ? t.custify.customDataHint : t.custify.objectHint}
          data={Object.entries(t.custify.objects).map(([object, label]) => ({ value: object, label }))}
          value={value.object}
          allowDeselect={false}
          maxDropdownHeight={360}
          onChange={(object) => object && onChange({ ...value, object: object as CustifySourceValue["object"] })}
        />
        <TagsInput
          label={t.custify.query}
          description={t.custify.queryHint}
          splitChars={[]}
          value={parametersOf(value)}
          error={wrong === null ? undefined : t.custify.wrongParameter(wrong)}
          onChange={(texts) => {
            setWrong(texts.find((text) => !isParameter(text)) ?? null);
            onChange(withParameters(value, texts));
          }}
        />
      </div>
      <AddCredential
        connector="custify"
        open={adding}
        close={() => setAdding(false)}
        taken={all.map(({ name }) => name)}
        added={(credential) => {
          setAdding(false);
          onChange({ ...value, credential });
        }}
      />
    </Panel>
  );
}
