const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** An SVG of horizontal bars, readable on light and on dark pages. The first bar is highlighted. */
export function barChart(
  title: string,
  bars: readonly (readonly [name: string, value: number])[],
): string {
  const longest = Math.max(...bars.map(([, value]) => value))
  const rows = bars.map(([name, value], index) => {
    const y = 36 + index * 26
    return `  <text x="352" y="${y + 13}" text-anchor="end">${escape(name)}</text>
  <rect x="360" y="${y}" width="${((value / longest) * 370).toFixed(1)}" height="18" fill="${index === 0 ? '#1a7f37' : '#8c959f'}"/>
  <text x="${(366 + (value / longest) * 370).toFixed(1)}" y="${y + 13}">${value.toFixed(0)}</text>`
  })
  const height = 36 + bars.length * 26 + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 ${height}" width="780" height="${height}" role="img" aria-label="${escape(title)}" font-family="sans-serif" font-size="13" fill="#57606a">
  <rect width="780" height="${height}" fill="#ffffff"/>
  <text x="16" y="22" font-weight="bold">${escape(title)}</text>
${rows.join('\n')}
</svg>
`
}
