/** `demo.json`: what a running demo tells to programs, and what it remembers of itself from one start to the next. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const demoFileSchema = z.object({
  sts: z.object({ url: z.string(), issuer: z.string(), metadata: z.string() }),
  applications: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['preauthenticated', 'pass-through', 'kerberos']),
      url: z.string(),
      /** Id of the relying party trust; null where nobody has to sign in. */
      trust: z.string().nullable(),
      /** Address of the sample application itself. */
      backend: z.string(),
    }),
  ),
  accounts: z.array(z.object({ upn: z.string(), password: z.string(), mayOpen: z.array(z.string()) })),
})

export type DemoFile = z.infer<typeof demoFileSchema>

/** Reads `demo.json` of a folder; undefined where a demo was never ready. */
export async function readDemoFile(folder: string): Promise<DemoFile | undefined> {
  try {
    return demoFileSchema.parse(JSON.parse(await readFile(join(folder, 'demo.json'), 'utf8')))
  } catch {
    // Not there yet, or changed by hand: what it would tell is asked of the stores again.
    return undefined
  }
}

/** Writes `demo.json` so that a reader finds the old one or the new one, never half of it. */
export async function writeDemoFile(folder: string, content: DemoFile): Promise<void> {
  const draft = join(folder, '.demo.json')
  await writeFile(draft, `${JSON.stringify(content, undefined, 2)}\n`)
  await rename(draft, join(folder, 'demo.json'))
}
