import type { RecordedAuditEvent } from './audit-event.ts'

// what JSON leaves as it is and a terminal or a log reader would act on: DEL and C1 controls, line and paragraph
// separators, characters that turn the direction of writing, invisible ones
const unprintable = /[\u007f-\u009f\u00ad\p{Zl}\p{Zp}\p{Cf}]/gu

/**
 * One event as one line of JSON, safe to print: no value of it breaks the line, hides, or moves the cursor.
 * @see CWE-117
 */
export function auditLine(event: RecordedAuditEvent): string {
  return JSON.stringify(event).replace(unprintable, (character) =>
    Array.from({ length: character.length }, (_, index) => escaped(character.charCodeAt(index))).join(''),
  )
}

function escaped(codeUnit: number): string {
  return `\\u${codeUnit.toString(16).padStart(4, '0')}`
}
