import { computed, onScopeDispose, ref, watch } from 'vue'

import type { Phase } from '@/realtime/machine'
import { useConnectionStore } from '@/stores/useConnectionStore'

/** A reconnect shorter than this is nobody's business. */
const QUIET_MS = 1_500

const labels: Record<Phase, string> = {
  idle: 'Connecting…',
  connecting: 'Connecting…',
  authenticating: 'Connecting…',
  live: 'Connected',
  waiting: 'Reconnecting…',
  stopped: 'Disconnected',
}

/** The connection in words, and whether to trouble somebody with it. */
export function useConnectionState() {
  const connection = useConnectionStore()
  const late = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined

  watch(
    () => connection.phase === 'live',
    (live) => {
      clearTimeout(timer)
      late.value = false
      if (!live) timer = setTimeout(() => (late.value = true), QUIET_MS)
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))

  const label = computed(() => labels[connection.phase])
  const troubled = computed(() => connection.stopMessage !== null || (late.value && connection.phase !== 'stopped'))
  return { label, troubled }
}
