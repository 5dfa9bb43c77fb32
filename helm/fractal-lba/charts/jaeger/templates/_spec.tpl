{{- define "jaeger.spec" -}}
kind: Deployment
mayScale: false
ports: {otlp-grpc: 4317, otlp-http: 4318, query: 16686, health: 13133}
env:
  - {name: JAEGER_LISTEN_HOST, value: {{ .root.Values.global.listenAddress | quote }}}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
volumes:
  - {name: tmp, emptyDir: {}}
{{- end -}}
