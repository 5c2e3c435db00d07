import type { StsRequest } from '../http/sts-request.ts'
import { type Html, html } from './html.ts'
import type { Page } from './page.ts'
import type { Strings } from './strings.ts'

export interface Message {
  readonly status: number
  readonly title: string
  readonly text: string
  readonly advice?: string
  /** Buttons and links below. */
  readonly actions?: Html
  readonly form?: Page['form']
  readonly headers?: Readonly<Record<string, string>>
}

/** A page that says why something was not done, with the request id to quote. Never a stack, version or path. */
export function messagePage({ requestId }: Pick<StsRequest, 'requestId'>, strings: Strings, message: Message): Page {
  const { status, title, text, advice, actions, form, headers } = message
  return {
    status,
    title,
    ...(form !== undefined && { form }),
    ...(headers !== undefined && { headers }),
    main: html`<h1>${title}</h1>
<p class="text">${text}</p>
${advice !== undefined && html`<p class="text">${advice}</p>`}
${actions !== undefined && html`<div class="actions">${actions}</div>`}
<dl class="facts"><dt>${strings.requestId}</dt><dd>${requestId}</dd></dl>`,
  }
}
