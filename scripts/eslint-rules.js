// ESLint's rules for the length and the nesting of functions, without mocha's blocks: a suite may be
// long, and `it` inside `describe` is no nesting that a reader must follow.
import { builtinRules } from 'eslint/use-at-your-own-risk'

const blocks = new Set(['describe', 'it', 'before', 'beforeEach', 'after', 'afterEach'])

/** Whether a function is the body of a block of mocha. */
function isBlock({ parent }) {
  if (parent?.type !== 'CallExpression') return false
  const { callee } = parent
  return blocks.has(callee.type === 'MemberExpression' ? callee.object.name : callee.name)
}

/** A rule of ESLint that reports no block of mocha. */
function exceptBlocks(name) {
  const rule = builtinRules.get(name)
  return {
    meta: rule.meta,
    create: (context) =>
      rule.create(
        Object.create(context, {
          report: {
            value: (problem) => isBlock(problem.node) || context.report(problem),
          },
        }),
      ),
  }
}

/** `max-nested-callbacks`, counted from the innermost block of mocha. */
const maxNestedCallbacks = {
  meta: builtinRules.get('max-nested-callbacks').meta,
  create(context) {
    const [most] = context.options
    const depthOf = (node) => {
      if (node === null || isBlock(node)) return 0
      const isFunction = /^(ArrowFunction|Function)Expression$/.test(node.type)
      return depthOf(node.parent) + (isFunction && node.parent.type === 'CallExpression' ? 1 : 0)
    }
    const check = (node) => {
      const num = depthOf(node)
      if (num > most)
        context.report({ node, messageId: 'exceed', data: { num: String(num), max: String(most) } })
    }
    return { ArrowFunctionExpression: check, FunctionExpression: check }
  },
}

export default {
  rules: {
    'max-lines-per-function': exceptBlocks('max-lines-per-function'),
    'max-nested-callbacks': maxNestedCallbacks,
  },
}
