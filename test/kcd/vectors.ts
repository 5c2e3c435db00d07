import { readFileSync } from 'node:fs'

/** A file of test/vectors/kerberos, as the type its test reads it as. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/kerberos/${name}`, import.meta.url), 'utf8'))
}

export const hex = (text: string): Buffer => Buffer.from(text, 'hex')
