import { readFile } from 'node:fs/promises'
import t from 'tap'
import { configurationExamples, configurationReference } from '../../scripts/configuration-reference.ts'
import { parseConfiguration } from '../../src/cli/configuration/configuration-file.ts'
import { configurationShape, environmentWord, type Shape } from '../../src/cli/configuration/shape.ts'

t.test('docs/configuration.md is what the schema says; else run scripts/configuration-reference.ts', async (t) => {
  const written = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  t.equal(written, configurationReference())
})

t.test('every key has a text, and a line in the reference with its environment variable', async (t) => {
  const reference = configurationReference()
  const visit = (shape: Shape, name: string) => {
    for (const [key, property] of Object.entries(shape.properties ?? {})) {
      const variable = `${name}_${environmentWord(key)}`
      t.ok(property.description, variable)
      const isGroup = name === 'GATEHOUSE' && (property.properties ?? property.items?.properties) !== undefined
      t.ok(isGroup || reference.includes(`\`${variable}\``), variable)
      visit(property, variable)
      if (property.items !== undefined) visit(property.items, `${variable}_0`)
    }
  }
  visit(configurationShape(), 'GATEHOUSE')
})

t.test('the examples of the reference hold', async (t) => {
  for (const text of configurationExamples) t.ok(parseConfiguration(text, { file: '/etc/gatehouse/gatehouse.yaml' }))
})
