{{/* The template of a component's pods. */}}
{{- define "common.podTemplate" -}}
{{- $v := .values -}}
{{- $mounts := concat (.spec.volumeMounts | default list) $v.extraVolumeMounts -}}
{{- $volumes := concat (.spec.volumes | default list) $v.extraVolumes -}}
metadata:
  labels:
    {{- include "common.podLabels" . | nindent 4 }}
    {{- with $v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := mergeOverwrite (dict) (.spec.podAnnotations | default dict) $v.podAnnotations }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "common.serviceAccountName" . }}
  automountServiceAccountToken: {{ $v.serviceAccount.automountServiceAccountToken }}
  # The addresses of other services come as WAL_ADDR and the like; FRACTAL_LBA_PORT and its kind would only be in the way.
  enableServiceLinks: false
  {{- with concat (.root.Values.global.imagePullSecrets | default list) $v.imagePullSecrets | uniq }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ include "common.terminationGraceSeconds" . }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with include "common.present" $v.podSecurityContext }}
  securityContext:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    {{- $own := dict "labelSelector" (dict "matchLabels" (include "common.selectorLabels" $ | fromYaml)) }}
    - {{ toYaml (ternary . (merge $own .) (hasKey . "labelSelector")) | indent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- with $v.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "common.image" . | quote }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      {{- with .spec.command }}
      command:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .spec.args }}
      args:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with include "common.present" $v.securityContext }}
      securityContext:
        {{- . | nindent 8 }}
      {{- end }}
      ports:
        {{- range $name, $port := .spec.ports }}
        - name: {{ $name }}
          containerPort: {{ $port }}
          protocol: TCP
        {{- end }}
      {{- with include "common.env" . }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with concat (.spec.envFrom | default list) $v.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
      {{- with get $v $probe }}
      {{ $probe }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- with include "common.lifecycle" . }}
      lifecycle:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with include "common.present" $v.resources }}
      resources:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with $mounts }}
      volumeMounts:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- with $v.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $volumes }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/*
`lifecycle` as it is given, else a pause before the end (preStopSeconds), in which load balancers and gateways hear
that the pod goes. There is no shell to sleep with; Kubernetes sleeps by itself since 1.30.
*/}}
{{- define "common.lifecycle" -}}
{{- if .values.lifecycle -}}
{{- toYaml .values.lifecycle -}}
{{- else if include "common.preStopSeconds" . -}}
preStop:
  sleep:
    seconds: {{ include "common.preStopSeconds" . }}
{{- end -}}
{{- end -}}

{{/* Nothing where there is no pause. */}}
{{- define "common.preStopSeconds" -}}
{{- $hasSleep := semverCompare ">=1.30-0" .root.Capabilities.KubeVersion.Version -}}
{{- if and $hasSleep (gt (int .values.preStopSeconds) 0) }}{{ int .values.preStopSeconds }}{{ end -}}
{{- end -}}

{{/*
How long a pod may take to end: the pause, what calls under way may take (STOP_GRACE), and what is written after them. A
process ends itself a minute after the signal, whatever it waits for.
*/}}
{{- define "common.terminationGraceSeconds" -}}
{{- $given := .values.terminationGracePeriodSeconds -}}
{{- $pause := include "common.preStopSeconds" . | int -}}
{{- if kindIs "invalid" $given }}{{ add $pause 65 }}{{ else -}}
{{- $least := add $pause (include "common.stopGraceSeconds" . | int) 1 -}}
{{- if and (hasKey .spec "stopGrace") (lt (int64 $given) $least) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d, and its pods may take %d s to end (preStopSeconds, STOP_GRACE and 1 s to write): raise it, or lower these" .name (int64 $given) $least) -}}
{{- end -}}
{{- int64 $given -}}
{{- end -}}
{{- end -}}

{{/* STOP_GRACE in whole seconds, rounded up. */}}
{{- define "common.stopGraceSeconds" -}}
{{- $text := .spec.stopGrace | default "5s" -}}
{{- $number := regexFind "^[0-9]+" $text | int64 -}}
{{- $unit := regexFind "[a-z]+$" $text -}}
{{- if eq $unit "ms" }}{{ div (add $number 999) 1000 }}
{{- else if eq $unit "m" }}{{ mul $number 60 }}
{{- else if eq $unit "h" }}{{ mul $number 3600 }}
{{- else if eq $unit "d" }}{{ mul $number 86400 }}
{{- else }}{{ $number }}{{ end -}}
{{- end -}}
