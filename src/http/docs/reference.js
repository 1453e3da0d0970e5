// The page behind /docs: Swagger UI over this service's own contract.
const main = document.querySelector('#reference')
const button = document.querySelector('button')
const status = document.querySelector('output')
// The path of this page without `docs`.
const base = new URL('.', location.href)
const contract = await (await fetch(new URL('openapi.json', base))).json()

/** The example values of every request body. */
const bodyExamples = ({ paths }) =>
  Object.values(paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}))
    .flatMap(({ examples = {} }) => Object.values(examples))
    .map(({ value }) => value)

/**
 * Swagger UI writes the description of a tag into its heading. The heading keeps the first
 * paragraph; the others join the description of the tag's first operation.
 */
function shortenHeadings({ tags, paths }) {
  const operations = Object.values(paths).flatMap((item) => Object.values(item))
  for (const tag of tags) {
    const [first, ...others] = tag.description.split('\n\n')
    const operation = operations.find((one) => one.tags.includes(tag.name))
    tag.description = first
    operation.description = [operation.description ?? '', ...others].join('\n\n')
  }
}

/** What Swagger UI lacks for readers who use a keyboard or a screen reader. */
const accessibility = {
  wrapComponents: {
    // Without this, a link would stand within the button that opens its operation.
    DeepLink:
      () =>
      ({ text }) =>
        text,
    // The headings of the tags are of the third level.
    operations:
      (Operations, { React: { createElement, Fragment } }) =>
      (properties) =>
        createElement(
          Fragment,
          null,
          createElement('h2', { className: 'operations-title' }, 'Operations'),
          createElement(Operations, properties),
        ),
  },
}
const attributes = {
  '.information-container': { role: 'region', 'aria-label': 'About this service' },
  '.responses-table': { role: 'table' },
  '.content-type': { 'aria-label': 'Media type' },
  '.examples-select-element': { 'aria-label': 'Example' },
  '.body-param__text': { 'aria-label': 'Request body' },
  '.parameters-col_description select': { 'aria-label': 'Value of the parameter' },
  pre: { tabindex: '0' },
  '.modal-ux': { role: 'dialog', 'aria-modal': 'true', 'aria-label': 'Available authorizations' },
  // Their labels are not the text that they show.
  '.auth-btn-wrapper button': { 'aria-label': null },
  '.modal-ux .close-modal': { 'aria-label': 'Close' },
  '.modal-ux h3': { 'aria-level': '2' },
  '.modal-ux h4': { 'aria-level': '3' },
  '.modal-ux h6': { 'aria-level': '4' },
}

function setAttributes(element, wanted) {
  for (const [name, value] of Object.entries(wanted))
    if (value === null) element.removeAttribute(name)
    else element.setAttribute(name, value)
}

function addAttributes() {
  for (const [selector, wanted] of Object.entries(attributes))
    for (const element of main.querySelectorAll(selector)) setAttributes(element, wanted)
}
new MutationObserver(addAttributes).observe(main, { childList: true, subtree: true })

const dark = matchMedia('(prefers-color-scheme: dark)')
const followTheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', followTheme)
followTheme()

/** @param {string} [token] filled in as the bearer, and wherever a body names a token */
function show(token) {
  const spec = structuredClone(contract)
  // Requests go to the service that served this page, whatever servers the document names.
  spec.servers = [{ url: base.href.replace(/\/$/, '') }]
  if (token !== undefined)
    for (const value of bodyExamples(spec)) if (value.token !== undefined) value.token = token
  shortenHeadings(spec)
  const node = document.createElement('div')
  main.replaceChildren(node)
  const ui = globalThis.SwaggerUIBundle({
    domNode: node,
    spec,
    validatorUrl: null,
    deepLinking: true,
    // Each operation shows its own schemas.
    defaultModelsExpandDepth: -1,
    plugins: [accessibility],
    displayRequestDuration: true,
    tryItOutEnabled: true,
    onComplete: () => token !== undefined && ui.preauthorizeApiKey('bearer', token),
  })
}

button?.addEventListener('click', async () => {
  button.disabled = true
  try {
    const answer = await fetch(new URL('docs/token', base), { method: 'POST' })
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`)
    const { token } = await answer.json()
    show(token)
    status.textContent = 'A fresh token is filled in: open an operation and press Execute.'
  } catch (error) {
    status.textContent = `No token: ${error.message}.`
  } finally {
    button.disabled = false
  }
})

show()
