{{- define "redis.spec" -}}
{{- $p := .values.master.persistence -}}
kind: StatefulSet
mayScale: false
serviceName: {{ include "common.fullname" . }}
ports: {redis: 6379}
args:
  - redis-server
  - --dir
  - /data
  # Anything else would forget first writes, and dedup refuses it.
  - --maxmemory-policy
  - noeviction
  - --maxmemory
  - {{ .values.maxmemory | quote }}
  {{- if $p.enabled }}
  - --appendonly
  - "yes"
  {{- end }}
  - --save
  - ""
  {{- if .values.auth.enabled }}
  - --requirepass
  - $(REDIS_PASSWORD)
  {{- end }}
{{- if .values.auth.enabled }}
env:
  - name: REDIS_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ .values.auth.existingSecret | default (include "fractal-lba.secretName" .root) }}
        key: {{ ternary .values.auth.existingSecretKey "REDIS_PASSWORD" (ne .values.auth.existingSecret "") }}
{{- if not .values.auth.existingSecret }}
podAnnotations:
  checksum/secret: {{ include "fractal-lba.secretChecksum" (dict "root" .root "variables" (list "REDIS_PASSWORD")) }}
{{- end }}
{{- end }}
volumeMounts:
  - {name: data, mountPath: /data}
{{- if $p.enabled }}
claims:
  - name: data
    spec: {{ include "common.claim" $p | nindent 6 }}
{{- else }}
volumes:
  - {name: data, emptyDir: {}}
{{- end }}
{{- end -}}
