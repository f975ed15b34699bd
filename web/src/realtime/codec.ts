/**
 * Text to frames and back. A frame of a type nobody knows is `null` and ignored; so is one that lacks what the contract promises
 * (the hole it leaves in the log is then noticed by its `seq` and repaired). Fields nobody knows are dropped here.
 */

import type { ChatEvent } from '@/contract/events'
import type { ClientFrame, ErrorFrame, ReadyConversation, ReadyFrame, ServerFrame } from '@/contract/frames'
import { readEvent } from '@/realtime/eventCodec'
import { arrayOf, flag, int, isRecord, text, type Fields } from '@/realtime/fields'

/** This will write a frame as the text to send, `type` first. */
export function encodeFrame(frame: ClientFrame): string {
  const { type, ...rest } = frame
  return JSON.stringify({ type, ...rest })
}

/** This will read one server frame, or `null` when there is nothing in it for this client. */
export function parseFrame(raw: unknown): ServerFrame | null {
  if (typeof raw !== 'string') return null
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch {
    return null
  }
  if (!isRecord(value) || typeof value['type'] !== 'string') return null
  const read = readers.get(value['type'])
  return read ? read(value) : null
}

const readers = new Map<string, (fields: Fields) => ServerFrame | null>([
  ['ready', readReady],
  ['error', readError],
  ['event', (f) => withEvent(readEvent(isRecord(f['event']) ? f['event'] : f))],
  ['events', readEvents],
  ['ack', readAck],
  ['joined', readJoined],
  ['left', (f) => (text(f, 'conversation') ? { type: 'left', conversation: text(f, 'conversation') } : null)],
  ['read', readRead],
  ['typing', readTyping],
  ['presence', (f) => ({ type: 'presence', user: text(f, 'user'), status: text(f, 'status') })],
  ['resync', readResync],
  ['session', (f) => ({ type: 'session', expires_at: text(f, 'expires_at') })],
  ['pong', (f) => ({ type: 'pong', n: int(f, 'n') ?? 0 })],
  ['bye', (f) => ({ type: 'bye', reason: text(f, 'reason'), reconnect_after_ms: Math.max(0, int(f, 'reconnect_after_ms') ?? 0) })],
])

function withEvent(event: ChatEvent | null): ServerFrame | null {
  return event && { type: 'event', event }
}

function readEvents(f: Fields): ServerFrame | null {
  const conversation = text(f, 'conversation')
  if (!conversation || !Array.isArray(f['events'])) return null
  return { type: 'events', conversation, events: arrayOf(f['events'], (item) => readEvent({ conversation, ...item })) }
}

function readReady(f: Fields): ReadyFrame | null {
  const { user, session } = f
  if (!isRecord(user) || !isRecord(session) || !Array.isArray(f['conversations'])) return null
  return {
    type: 'ready',
    user: { id: text(user, 'id'), username: text(user, 'username'), display_name: text(user, 'display_name') },
    session: { id: text(session, 'id'), expires_at: text(session, 'expires_at') },
    heartbeat: Math.max(1, typeof f['heartbeat'] === 'number' ? f['heartbeat'] : 25),
    conversations: arrayOf(f['conversations'], readReadyConversation),
  }
}

function readReadyConversation(f: Fields): ReadyConversation | null {
  const [id, kind, lastSeq] = [text(f, 'id'), text(f, 'kind'), int(f, 'last_seq')]
  if (!id || lastSeq === null || (kind !== 'direct' && kind !== 'group' && kind !== 'channel')) return null
  return {
    id,
    kind,
    epoch: text(f, 'epoch'),
    visible_from_seq: int(f, 'visible_from_seq') ?? 1,
    last_seq: lastSeq,
    read_seq: int(f, 'read_seq') ?? 0,
  }
}

function readError(f: Fields): ErrorFrame {
  return {
    type: 'error',
    code: text(f, 'code'),
    detail: text(f, 'detail'),
    id: text(f, 'id') || null,
    retryable: flag(f, 'retryable'),
    retry_after_ms: int(f, 'retry_after_ms'),
  }
}

function readAck(f: Fields): ServerFrame | null {
  const [id, conversation, seq] = [text(f, 'id'), text(f, 'conversation'), int(f, 'seq')]
  if (!id || !conversation || seq === null) return null
  return { type: 'ack', id, conversation, seq, message_id: text(f, 'message_id') }
}

function readJoined(f: Fields): ServerFrame | null {
  const [conversation, lastSeq] = [text(f, 'conversation'), int(f, 'last_seq')]
  if (!conversation || lastSeq === null) return null
  return { type: 'joined', conversation, last_seq: lastSeq, visible_from_seq: int(f, 'visible_from_seq') ?? 1 }
}

function readRead(f: Fields): ServerFrame | null {
  const [conversation, seq] = [text(f, 'conversation'), int(f, 'seq')]
  return conversation && seq !== null ? { type: 'read', conversation, user: text(f, 'user'), seq } : null
}

const idle = new Set<unknown>([false, 'stopped', 'stop', 'idle', 'off', 'paused', ''])

function readTyping(f: Fields): ServerFrame | null {
  const [conversation, user] = [text(f, 'conversation'), text(f, 'user')]
  return conversation && user ? { type: 'typing', conversation, user, active: !idle.has(f['state']) } : null
}

function readResync(f: Fields): ServerFrame | null {
  const [conversation, lastSeq] = [text(f, 'conversation'), int(f, 'last_seq')]
  return conversation && lastSeq !== null ? { type: 'resync', conversation, last_seq: lastSeq } : null
}
