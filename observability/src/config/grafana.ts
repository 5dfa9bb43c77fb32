/** What Grafana reads at its start: where data comes from, by the uids that the dashboards name. */
export function datasourcesFile(): object {
  return {
    apiVersion: 1,
    datasources: [
      {
        name: 'Prometheus',
        uid: 'prometheus',
        type: 'prometheus',
        access: 'proxy',
        url: 'http://prometheus:9090',
        isDefault: true,
        jsonData: {
          httpMethod: 'POST',
          exemplarTraceIdDestinations: [{ name: 'trace_id', datasourceUid: 'jaeger' }],
        },
      },
      { name: 'Jaeger', uid: 'jaeger', type: 'jaeger', access: 'proxy', url: 'http://jaeger:16686' },
    ],
  }
}

/** The dashboards are files in one directory. */
export function dashboardProvidersFile(): object {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'fractal-lba',
        folder: 'Fractal LBA',
        type: 'file',
        options: { path: '/etc/grafana/dashboards/fractal-lba' },
      },
    ],
  }
}
