/** Texts about people that Custify would hold twice. */
import { count, number } from "@/parts/values/format";

export const t = {
  several: (n: number) => `${count(n, "e-mail")} ${n === 1 ? "belongs" : "belong"} to several user ids: Custify creates a person for each`,
  overwritten: (n: number) => `${count(n, "user id")} ${n === 1 ? "has" : "have"} several e-mails: the last one that is sent stays`,
  scientific: (n: number) => `${count(n, "user id")} ${n === 1 ? "is" : "are"} in scientific notation: a spreadsheet has shortened ${n === 1 ? "it" : "them"}`,
  show: "Show these people",
  looking: "Looking for people that Custify would hold twice",
  none: "No person would be held twice",
  noneHint: (records: number) => `${count(records, "record")} checked: no e-mail belongs to several user ids, and no user id has several e-mails.`,
  columns: (id: string | null, email: string | null) => `User ids from ${id ?? "no column"}, e-mails from ${email ?? "no column"}`,
  emails: "E-mails of several user ids",
  ids: "User ids with several e-mails",
  shortened: "User ids in scientific notation",
  email: "E-mail",
  id: "User id",
  userIds: "User ids",
  mails: "E-mails",
  records: "Records",
  more: (n: number) => ` and ${number(n)} more`,
  first: (shown: number, all: number) => `The first ${number(shown)} of ${number(all)}`,
};
