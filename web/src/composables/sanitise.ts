/**
 * The second wall: the server has sanitised a message's markup already; what it missed does not get past here.
 */

import DOMPurify from 'dompurify'

const TAGS = [
  'a', 'b', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'i', 'li', 'ol', 'p', 'pre', 's',
  'span', 'strong', 'sub', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'u', 'ul',
]
const ATTRIBUTES = ['href', 'title', 'class', 'start', 'lang', 'dir']
/** Markup of a message may not borrow the looks of the page's own controls. */
const CLASSES = /^(mention|language-[\w+-]{1,30})$/

const purify = DOMPurify(window)
purify.addHook('afterSanitizeAttributes', (node) => {
  const kept = [...node.classList].filter((name) => CLASSES.test(name))
  if (kept.length) node.setAttribute('class', kept.join(' '))
  else node.removeAttribute('class')
  if (node.tagName !== 'A') return
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer nofollow')
})

/** This will give markup that is safe to show. */
export function sanitise(html: string): string {
  return purify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  })
}
