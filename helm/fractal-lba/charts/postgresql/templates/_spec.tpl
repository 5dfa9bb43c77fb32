{{- define "postgresql.spec" -}}
{{- $p := .values.primary.persistence -}}
kind: StatefulSet
mayScale: false
serviceName: {{ include "common.fullname" . }}
ports: {postgresql: 5432}
env:
  - {name: POSTGRES_USER, value: {{ .values.auth.username | quote }}}
  - {name: POSTGRES_DB, value: {{ .values.auth.database | quote }}}
  - {name: PGDATA, value: /var/lib/postgresql/data/pgdata}
  - name: POSTGRES_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ .values.auth.existingSecret | default (include "fractal-lba.secretName" .root) }}
        key: {{ ternary .values.auth.existingSecretKey "POSTGRES_PASSWORD" (ne .values.auth.existingSecret "") }}
volumeMounts:
  - {name: data, mountPath: /var/lib/postgresql/data}
  - {name: run, mountPath: /var/run/postgresql}
  - {name: tmp, mountPath: /tmp}
volumes:
  - {name: run, emptyDir: {}}
  - {name: tmp, emptyDir: {}}
{{- if $p.enabled }}
claims:
  - name: data
    spec: {{ include "common.claim" $p | nindent 6 }}
{{- else }}
  - {name: data, emptyDir: {}}
{{- end }}
{{- end -}}
