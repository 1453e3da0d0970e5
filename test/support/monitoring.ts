import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** The path of a file of `scripts/monitoring`. */
export const monitoringPath = (file: string): string =>
  fileURLToPath(new URL(`../../scripts/monitoring/${file}`, import.meta.url))

const textOf = (file: string) => readFileSync(monitoringPath(file), 'utf8')

export type AlertRule = Readonly<{
  alert: string
  expr: string
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
}>

/** Every rule that `alerts.yaml` has. */
export const alertRules = (): AlertRule[] =>
  (parse(textOf('alerts.yaml')) as { groups: { rules: AlertRule[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  )

/** Every query of the dashboard, with the title of its panel. */
export const dashboardQueries = (): { title: string; expr: string }[] => {
  const { panels } = JSON.parse(textOf('grafana-dashboard.json')) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  return panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })))
}
