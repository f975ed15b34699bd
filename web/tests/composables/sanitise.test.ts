// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'

import { sanitise } from '@/composables/sanitise'

describe('the second wall', () => {
  it('keeps what Markdown makes', () => {
    const html = '<p><strong>a</strong> <em>b</em> <code>c</code><br></p><ul><li>d</li></ul><blockquote><p>e</p></blockquote>'
    expect(sanitise(html)).toBe(html)
    expect(sanitise('<pre><code class="language-ts evil">x</code></pre>')).toBe('<pre><code class="language-ts">x</code></pre>')
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg onload=alert(1)></svg>',
    '<iframe src="https://evil.example"></iframe>',
    '<form action="/x"><input name=q><button>Go</button></form>',
    '<style>body{display:none}</style>',
    '<math><mtext></mtext></math>',
    '<base href="https://evil.example">',
  ])('drops %s', (html) => {
    expect(sanitise(html)).not.toMatch(/<(script|img|svg|iframe|form|input|button|style|math|base)|onerror|onload/i)
  })

  it('drops addresses that run something, and styles, ids and foreign classes', () => {
    expect(sanitise('<a href="javascript:alert(1)">x</a>')).not.toContain('javascript')
    expect(sanitise('<a href="data:text/html,x">x</a>')).not.toContain('data:')
    expect(sanitise('<p style="position:fixed" id="app" class="dialog" data-x="1" onclick="x()">x</p>')).toBe('<p>x</p>')
  })

  it('opens links elsewhere and tells them nothing', () => {
    expect(sanitise('<a href="https://example.org/">x</a>')).toBe('<a href="https://example.org/" target="_blank" rel="noopener noreferrer nofollow">x</a>')
  })
})
