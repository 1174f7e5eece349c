/** A text field that completes columns and macros after `{`. */
import { ActionIcon, Combobox, TextInput, Tooltip, useCombobox } from "@mantine/core";
import { IconBraces } from "@tabler/icons-react";
import { type ReactNode, useRef, useState } from "react";
import { t } from "@/texts/pages/destinations";
import { openMacro } from "../value";

export interface Macro {
  text: string;
  about: string;
}
interface Props {
  label: string;
  description?: ReactNode;
  value: string;
  onChange: (text: string) => void;
  macros: Macro[];
  className?: string | undefined;
  error?: ReactNode;
  id?: string;
  onBlur?: () => void;
}
const MOST = 60;

export function MacroInput({ value, onChange, macros, onBlur, ...shown }: Props) {
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const input = useRef<HTMLInputElement>(null);
  const [caret, setCaret] = useState(0);
  const open = openMacro(value, caret);
  const prefix = open?.typed.toLowerCase() ?? "";
  const found = open === null ? [] : macros.filter((macro) => macro.text.toLowerCase().includes(prefix)).slice(0, MOST);

  const look = (text: string, at: number) => {
    setCaret(at);
    if (openMacro(text, at) === null) return combobox.closeDropdown();
    combobox.openDropdown();
    combobox.updateSelectedOptionIndex();
  };
  const put = (text: string, at: number) => {
    onChange(text);
    look(text, at);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(at, at);
    });
  };
  const take = (macro: string) => {
    if (open !== null) put(value.slice(0, open.from) + macro + value.slice(caret).replace(/^\}/, ""), open.from + macro.length);
    combobox.closeDropdown();
  };
  const begin = () => {
    const at = input.current?.selectionStart ?? value.length;
    put(`${value.slice(0, at)}{${value.slice(at)}`, at + 1);
  };
  return (
    <Combobox store={combobox} onOptionSubmit={take} shadow="md" position="bottom-start">
      <Combobox.Target>
        <TextInput
          {...shown}
          ref={input}
          value={value}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            onChange(event.currentTarget.value);
            look(event.currentTarget.value, event.currentTarget.selectionStart ?? 0);
          }}
          onKeyUp={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onBlur={() => {
            combobox.closeDropdown();
            onBlur?.();
          }}
          rightSection={
            <Tooltip label={t.configure.insert}>
              <ActionIcon size={22} aria-label={t.configure.insertInto(shown.label)} onMouseDown={(event) => event.preventDefault()} onClick={begin}>
                <IconBraces size={14} />
              </ActionIcon>
            </Tooltip>
          }
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={found.length === 0}>
        <Combobox.Options mah={240} style={{ overflowY: "auto" }} aria-label={t.configure.insert}>
          {found.map((macro) => (
            <Combobox.Option key={macro.text} value={macro.text} fz="xs">
              <span className="mono">{macro.text}</span> <span className="muted">{macro.about}</span>
            </Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
