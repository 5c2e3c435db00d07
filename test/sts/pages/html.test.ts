import t from 'tap'
import { html } from '../../../src/sts/pages/html.ts'

t.test('text that is put in stays text, in content and in attributes', async (t) => {
  const evil = `<script>alert("1")</script>' onload=\`x\` &amp;`
  const { markup } = html`<p title="${evil}">${evil}</p>`
  t.notMatch(markup, /<script|' onload|\("1"\)/)
  t.equal(markup.match(/<p title="([^"]*)">/)?.[1], markup.match(/>([^<]*)</)?.[1])
})

t.test('markup stays markup, lists are joined, nothing leaves nothing', async (t) => {
  t.equal(
    html`<ul>${['a', '<'].map((text) => html`<li>${text}</li>`)}${undefined}${false}${1}</ul>`.markup,
    '<ul><li>a</li><li>&lt;</li>1</ul>',
  )
})
