{{/* POSTGRES_CONN without a password, where the chart knows it: of its own Postgres, of CloudNativePG, or an external one. */}}
{{- define "fractal-lba.postgresConn" -}}
{{- $p := .Values.postgresql -}}
{{- $group := .Values.secrets.postgres -}}
{{- if or $group.existingSecret $group.values -}}
{{- else if $p.enabled -}}
host={{ include "common.name" (dict "root" . "name" "postgresql") }} port=5432 user={{ $p.auth.username }} dbname={{ $p.auth.database }} sslmode=disable
{{- else if $p.external.dsn -}}
{{- else if $p.external.host -}}
host={{ $p.external.host }} port={{ int $p.external.port }} user={{ $p.external.username }} dbname={{ $p.external.database }} sslmode={{ $p.external.sslMode }}
{{- else if .Values.cloudnativepg.enabled -}}
host={{ include "common.base" . }}-pg-rw port=5432 user=fractal dbname=fractal_lba sslmode=require
{{- end -}}
{{- end -}}

{{/* Where the password beside it is: secret and key, or nothing. */}}
{{- define "fractal-lba.postgresPassword" -}}
{{- $p := .Values.postgresql -}}
{{- $own := include "fractal-lba.secretName" . -}}
{{- if $p.enabled -}}
secret: {{ $p.auth.existingSecret | default $own }}
key: {{ ternary $p.auth.existingSecretKey "POSTGRES_PASSWORD" (ne $p.auth.existingSecret "") }}
{{- else if $p.external.dsn -}}
{{- else if and $p.external.host $p.external.existingSecret -}}
secret: {{ $p.external.existingSecret }}
key: {{ $p.external.existingSecretKey }}
{{- else if and $p.external.host $p.external.password -}}
secret: {{ $own }}
key: POSTGRES_PASSWORD
{{- else if and (not $p.external.host) .Values.cloudnativepg.enabled -}}
secret: {{ include "common.base" . }}-pg-app
key: password
{{- end -}}
{{- end -}}
