/**
 * What one client knows of one conversation: its summary, the run of newest messages it has loaded, its members, and the cursor
 * into the event log. Plain values; everything that changes them is a pure function.
 */

import type { ChatEvent } from '@/contract/events'
import type { Conversation, Member, Message } from '@/contract/model'

export interface LogState {
  readonly me: string
  readonly conversation: Conversation
  /** The newest event folded in. */
  readonly cursor: number
  /** The summary's counts already contain every event up to here, whatever the cursor says. */
  readonly counted: number
  /** The newest messages without a hole, rising `seq`; empty until `opened`. */
  readonly messages: readonly Message[]
  readonly opened: boolean
  readonly hasBefore: boolean
  readonly members: readonly Member[] | null
  /** When somebody last wrote here: what the list of conversations is sorted by. */
  readonly activeAt: string
  /** We are not (or no longer) in it. */
  readonly gone: boolean
  /** A count or window can no longer be known from events alone: fetch the summary and the newest page. */
  readonly stale: boolean
  /** Events that arrived while HTTP answers are under way; they are folded into the answer too. */
  readonly recorded: readonly ChatEvent[]
  readonly loads: number
  /** Counts `resync`s: an answer asked for before one says nothing about the time after it. */
  readonly jumps: number
}

/** This will start a log from a summary fetched over HTTP: events follow from its `last_seq` + 1. */
export function openLog(me: string, conversation: Conversation): LogState {
  return {
    me,
    conversation,
    cursor: conversation.last_seq,
    counted: conversation.last_seq,
    messages: [],
    opened: false,
    hasBefore: false,
    members: null,
    activeAt: conversation.last_message?.created_at ?? conversation.created_at,
    gone: false,
    stale: false,
    recorded: [],
    loads: 0,
    jumps: 0,
  }
}
