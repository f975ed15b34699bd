import { nextTick, onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

/** Nearer than this to an edge counts as there. */
const NEAR_PX = 48
const LOAD_WITHIN_PX = 300

export interface ScrollPorts {
  /** Anything that changes when rows do. */
  rows: () => unknown
  /** The key of the first row: a change at the top must not move what is being read. */
  firstKey: () => string
  loadOlder: () => Promise<void>
}

/** This will keep the list of messages where its reader wants it: at the end, or exactly where it is. */
export function useMessageScroll(box: Ref<HTMLElement | null>, ports: ScrollPorts) {
  // Not before `toStart` has looked: what was never on screen is not read.
  const atEnd = ref(false)
  const loading = ref(false)
  let observer: ResizeObserver | null = null

  function toEnd(): void {
    const element = box.value
    if (!element) return
    element.scrollTop = element.scrollHeight
    atEnd.value = true
  }

  /** Go to the first unread one, or to the end. */
  function toStart(): void {
    const line = box.value?.querySelector('[data-testid="unread-divider"]')
    toEnd()
    line?.scrollIntoView({ block: 'start' })
    onScroll()
  }

  function onScroll(): void {
    const element = box.value
    if (!element) return
    atEnd.value = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR_PX
    if (element.scrollTop < LOAD_WITHIN_PX) void older()
  }

  async function older(): Promise<void> {
    if (loading.value) return
    loading.value = true
    await ports.loadOlder().catch(() => {})
    await nextTick()
    loading.value = false
  }

  // Before the rows change on screen: remember the distance from the end; after: restore it, or stay at the end.
  watch(ports.rows, async () => {
    const element = box.value
    if (!element) return
    const stick = atEnd.value
    const first = ports.firstKey()
    const fromEnd = element.scrollHeight - element.scrollTop
    const top = element.firstElementChild?.querySelector('[data-key]')?.getAttribute('data-key')
    await nextTick()
    if (stick) toEnd()
    else if (top !== first) element.scrollTop = element.scrollHeight - fromEnd
  })

  onMounted(() => {
    observer = new ResizeObserver(() => atEnd.value && toEnd())
    if (box.value) observer.observe(box.value)
  })
  onBeforeUnmount(() => observer?.disconnect())

  return { atEnd, loading, toEnd, toStart, onScroll }
}
