import t from 'tap'
import type { CommandSpec } from '../../src/cli/command.ts'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { commands } from '../../src/cli/commands.ts'
import { helpText } from '../../src/cli/help.ts'

const answer = () => ({ data: null, text: '' })
const table: readonly CommandSpec[] = [
  {
    words: ['paint'],
    summary: 'paint',
    operands: [
      { name: 'WHAT', help: 'what' },
      { name: 'WHERE', optional: true, help: 'where' },
    ],
    options: [
      { name: 'colour', value: 'NAME', help: 'colour' },
      { name: 'layer', value: 'N', many: true, help: 'layer' },
      { name: 'twice', help: 'twice' },
    ],
    vocabulary: {
      find: (name) =>
        name.toLowerCase() === 'brush'
          ? { name, value: 'B', help: '' }
          : name === 'Wet'
            ? { name, help: '' }
            : undefined,
      names: ['Brush', 'Wet'],
      options: [],
      help: '',
    },
    examples: ['paint wall'],
    run: answer,
  },
  { words: ['user', 'add'], summary: 'add', examples: ['user add'], run: answer },
  { words: ['user', 'list'], summary: 'list', examples: ['user list'], run: answer },
]

const read = (...words: string[]) => {
  const line = readCommandLine(words, table)
  if (line.kind !== 'command') throw new Error(`read as ${line.kind}`)
  const { command, operands, options, vocabulary } = line
  return {
    command: command.words.join(' '),
    operands: Object.fromEntries(operands),
    options: Object.fromEntries(options),
    vocabulary,
  }
}

t.test('options stand anywhere, with a blank or an equals sign', async (t) => {
  t.match(read('paint', '--colour', 'red', 'wall', '--twice'), {
    operands: { WHAT: 'wall' },
    options: { colour: ['red'], twice: [] },
  })
  t.match(read('--colour=red', 'paint', 'wall'), { operands: { WHAT: 'wall' }, options: { colour: ['red'] } })
  t.match(read('--config', 'x.yaml', '--json', 'user', 'list'), {
    command: 'user list',
    options: { config: ['x.yaml'], json: [] },
  })
})

t.test('an option that may be given more than once keeps the order', async (t) => {
  t.match(read('paint', 'wall', '--layer', '2', '--layer=1'), { options: { layer: ['2', '1'] } })
})

t.test('a switch can be turned off, and behind two dashes everything is an operand', async (t) => {
  t.strictSame(read('paint', 'wall', '--twice=false').options, {})
  t.match(read('paint', '--', '--twice', '-x'), { operands: { WHAT: '--twice', WHERE: '-x' }, options: {} })
})

t.test('names of another vocabulary go on as they were written, with one dash too', async (t) => {
  t.strictSame(read('paint', 'wall', '-Brush', 'thin', '-Wet:$true').vocabulary, { Brush: 'thin', Wet: true })
  t.strictSame(read('paint', 'wall', '--BRUSH=thin', '-Wet:$false').vocabulary, { BRUSH: 'thin', Wet: false })
})

for (const { name, words, says } of [
  {
    name: 'an unknown option, with what was meant',
    words: ['paint', 'wall', '--color', 'x'],
    says: /did you mean `--colour`/,
  },
  {
    name: 'an unknown option of another vocabulary, with what was meant',
    words: ['paint', 'w', '-Brsh', 'x'],
    says: /did you mean `--Brush`/,
  },
  { name: 'an unknown command, with what was meant', words: ['user', 'lsit'], says: /did you mean `list`/ },
  { name: 'an unknown word', words: ['zebra'], says: /has no command `zebra`; it has paint, user/ },
  { name: 'half a command', words: ['user'], says: /user: which one\? add, list/ },
  { name: 'nothing at all', words: [], says: /no command\? paint, user/ },
  { name: 'an option without its value', words: ['paint', 'wall', '--colour'], says: /--colour needs NAME/ },
  {
    name: 'an option whose value would be an option',
    words: ['paint', 'wall', '--colour', '--twice'],
    says: /--colour needs NAME/,
  },
  { name: 'an option twice', words: ['paint', 'wall', '--colour=a', '--colour=b'], says: /--colour is given twice/ },
  {
    name: 'a name of another vocabulary twice',
    words: ['paint', 'wall', '-Brush', 'a', '-Brush', 'b'],
    says: /given twice/,
  },
  { name: 'a switch with a value', words: ['paint', 'wall', '--twice=maybe'], says: /takes no value/ },
  { name: 'a missing operand', words: ['paint'], says: /WHAT is missing/ },
  { name: 'an operand too many', words: ['paint', 'a', 'b', 'c'], says: /does not expect `c`/ },
  { name: 'one dash before an option of ours', words: ['paint', 'wall', '-colour', 'x'], says: /no option `-colour`/ },
  { name: 'a NUL character', words: ['paint', 'wall\0'], says: /NUL/ },
  { name: 'an argument of a megabyte', words: ['paint', 'x'.repeat(1_000_000)], says: /longer than/ },
  { name: 'an option called __proto__', words: ['paint', 'wall', '--__proto__', 'x'], says: /no option/ },
  { name: 'an option called constructor', words: ['paint', 'wall', '--constructor=x'], says: /no option/ },
]) {
  t.test(`refuses ${name}`, async (t) => {
    t.throws(() => readCommandLine(words, table), { name: 'CliError', code: 'usage', message: says })
  })
}

t.test('what a terminal would obey does not come back in a message', async (t) => {
  try {
    readCommandLine(['paint', 'wall', '--\u001b[2J\u202Eevil'], table)
    t.fail('was taken')
  } catch (error) {
    t.notMatch((error as Error).message, /\p{C}/u)
  }
})

t.test('help is given for a command, for the commands below a word and for all, whatever else is there', async (t) => {
  t.match(readCommandLine(['paint', '--help', '--bogus'].slice(0, 2), table), { kind: 'help', words: ['paint'] })
  t.match(readCommandLine(['user', '-h'], table), { kind: 'help', words: ['user'] })
  t.match(readCommandLine(['--help'], table), { kind: 'help', words: [] })
})

t.test('every command has examples in its help that it would take itself', async (t) => {
  for (const { words, examples } of commands) {
    const help = helpText(words, commands)
    t.ok(examples.length > 0, words.join(' '))
    for (const example of examples) {
      t.ok(help.includes(`gatehouse ${example}`), example)
      const plain = example.replace(/ < .*/, '').replace(/^(GATEHOUSE_\w+=\S+ gatehouse )/, '')
      const line = readCommandLine(plain.split(' '), commands)
      t.equal(line.kind === 'command' && line.command.words.join(' '), words.join(' '), example)
    }
  }
})

t.test('the whole help lists every command and every exit status', async (t) => {
  const help = helpText([], commands)
  for (const { words } of commands) t.ok(help.includes(words.join(' ')), words.join(' '))
  for (const status of [0, 1, 2, 3, 4, 5, 6]) t.match(help, new RegExp(`^  ${status}  `, 'm'))
})
