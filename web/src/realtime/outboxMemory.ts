/**
 * The outbox as text and back, so that it outlives the page: a reload, a crash of the tab, an update of this client. Pure. What was
 * on its way is queued again under its own id, so it is there once, whether the server had stored it or not.
 */

import { arrayOf, type Fields, isRecord, text, textOrNull } from '@/realtime/fields'
import type { Outbox, OutboxItem } from '@/realtime/outbox'

/** This will say what `person` has not been promised yet, or `null` when that is nothing. */
export function toText(outbox: Outbox, person: string): string | null {
  const items = outbox.filter((item) => item.state !== 'acked')
  return items.length ? JSON.stringify({ person, items }) : null
}

/** This will read what `toText` has said for the same person; of anything else, nothing. */
export function fromText(said: string | null, person: string): Outbox {
  const found = parse(said)
  return isRecord(found) && found.person === person ? arrayOf(found.items, item) : []
}

function parse(said: string | null): unknown {
  try {
    return said === null ? null : JSON.parse(said)
  } catch {
    return null
  }
}

function item(fields: Fields): OutboxItem | null {
  const draft = { id: text(fields, 'id'), conversation: text(fields, 'conversation'), body: text(fields, 'body') }
  if (!draft.id || !draft.conversation || !draft.body) return null
  const failed = fields.state === 'failed'
  return {
    ...draft,
    replyTo: textOrNull(fields, 'replyTo'),
    createdAt: text(fields, 'createdAt'),
    state: failed ? 'failed' : 'queued',
    seq: null,
    attempts: 0,
    notBefore: 0,
    error: failed ? textOrNull(fields, 'error') : null,
  }
}
