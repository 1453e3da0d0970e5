import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { stringify } from 'yaml'
import { alertRules, monitoringPath } from '../support/monitoring.js'

/** By series, its values in Prometheus's notation: `0+2x3` is 0, 2, 4, 6. */
type Values = Readonly<Record<string, string>>

/** The values of a sample, before the trouble begins at 20 minutes and after; one in 15 s. */
const change = (before: string, after: string) => `${before}x79 ${after}x80`
const instance = 'instance="one:9464",job="cierre"'
const series = (name: string, labels = '') => `${name}{${instance}${labels && `,${labels}`}}`
const requests = (operation: string, status: number) =>
  series('cierre_requests_total', `operation="${operation}",status="${status}"`)
const commits = (le: string) =>
  series('cierre_store_duration_seconds_bucket', `command="commit",le="${le}"`)

/** What an instance says when all is well. */
const healthy: Values = {
  [series('up')]: '1+0x160',
  [series('cierre_history_lost_total')]: '1+0x160',
  [series('cierre_feed_staleness_seconds')]: '0.3+0x160',
  [series('cierre_guard_fresh')]: '1+0x160',
  [requests('logout', 200)]: '0+100x160',
  [requests('logout', 500)]: '0+0x160',
  [requests('ready', 503)]: '0+100x160',
  [series('cierre_store_duration_seconds_count', 'command="commit"')]: '0+100x160',
  [series('cierre_store_errors_total', 'command="commit"')]: '0+0x160',
  [commits('0.25')]: '0+100x160',
  [commits('0.5')]: '0+100x160',
  [commits('+Inf')]: '0+100x160',
  [series('cierre_audit_failures_total')]: '3+0x160',
  [series('cierre_live_revocations_bytes')]: '1000000+0x160',
  [series('nodejs_eventloop_lag_p99_seconds')]: '0.02+0x160',
  [series('cierre_outage', 'what="store"')]: '0+0x160',
  [series('cierre_key_set_age_seconds', 'issuer="https://issuer.test"')]: '299+0x160',
  [series('cierre_feed_lag_seconds')]: '0+0x160',
}

/** What is different in a trouble, and which alerts it has to raise. */
const troubles: readonly Readonly<{ values: Values; alerts: readonly string[] }>[] = [
  {
    values: { [series('cierre_history_lost_total')]: change('1+0', '2+0') },
    alerts: ['CierreHistoryLost'],
  },
  {
    values: { [series('cierre_feed_staleness_seconds')]: change('0.3+0', '11+15') },
    alerts: ['CierreStale'],
  },
  {
    values: { [series('cierre_guard_fresh')]: change('1+0', '0+0') },
    alerts: ['CierreGuardStale'],
  },
  {
    values: { [requests('logout', 500)]: change('0+0', '0+6') },
    alerts: ['CierreLogoutsFail', 'CierreUnknownAnswers'],
  },
  { values: { [series('up')]: change('1+0', '0+0') }, alerts: ['CierreDown'] },
  {
    values: {
      [series('cierre_store_errors_total', 'command="commit"')]: change('0+0', '0+6'),
    },
    alerts: ['CierreStoreErrors'],
  },
  {
    values: { [requests('verify', 503)]: change('0+0', '0+2') },
    alerts: ['CierreUnknownAnswers'],
  },
  {
    values: { [series('cierre_audit_failures_total')]: change('3+0', '4+0') },
    alerts: ['CierreAuditFailures'],
  },
  {
    values: { [commits('0.25')]: change('0+100', '8000+98') },
    alerts: ['CierreSlowStore'],
  },
  {
    values: { [series('cierre_live_revocations_bytes')]: change('1000000+0', '537000000+0') },
    alerts: ['CierreManyRevocations'],
  },
  {
    values: { [series('nodejs_eventloop_lag_p99_seconds')]: change('0.02+0', '0.11+0') },
    alerts: ['CierreEventLoop'],
  },
  {
    values: { [series('cierre_outage', 'what="store"')]: change('0+0', '1+0') },
    alerts: ['CierreOutage'],
  },
  {
    values: {
      [series('cierre_key_set_age_seconds', 'issuer="https://issuer.test"')]: change(
        '299+0',
        '299+15',
      ),
    },
    alerts: ['CierreKeySetOld'],
  },
  {
    values: { [series('cierre_feed_lag_seconds')]: change('0+0', '6+15') },
    alerts: ['CierreFeedLag'],
  },
]

const firing = (minutes: number, alerts: readonly string[]) => ({
  expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
  eval_time: `${minutes}m`,
  exp_samples: alerts.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
})

const testOf = ({ values, alerts }: (typeof troubles)[number]) => ({
  interval: '15s',
  input_series: Object.entries({ ...healthy, ...values }).map(([name, values]) => ({
    series: name,
    values,
  })),
  // Just before the trouble, and once every `for` has passed.
  promql_expr_test: [firing(19, []), firing(34, alerts)],
})

function runPromtool(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { encoding: 'utf8' })
  expect(error).to.equal(undefined)
  expect(status, `${stdout}${stderr}`).to.equal(0)
  return stdout
}

describe('the alerts', () => {
  it('pass promtool check rules', () => {
    const said = runPromtool(
      'check',
      'rules',
      '--lint=all',
      '--lint-fatal',
      monitoringPath('alerts.yaml'),
    )
    expect(said).to.include(`SUCCESS: ${alertRules().length} rules found`)
  })

  it('are silent when all is well, and each is raised by its own trouble', () => {
    const raised = new Set(troubles.flatMap(({ alerts }) => alerts))
    expect([...raised].sort()).to.deep.equal(
      alertRules()
        .map(({ alert }) => alert)
        .sort(),
    )
    const dir = mkdtempSync(join(tmpdir(), 'cierre-alerts-'))
    try {
      const file = join(dir, 'test.yaml')
      const tests = [{ values: {}, alerts: [] }, ...troubles].map(testOf)
      const evaluation_interval = '15s'
      writeFileSync(
        file,
        stringify({ rule_files: [monitoringPath('alerts.yaml')], evaluation_interval, tests }),
      )
      runPromtool('test', 'rules', file)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
