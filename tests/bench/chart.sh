# shellcheck shell=bash
# Sourced by tests/bench/process. make_chart RENDERED CHART: a Helm chart that renders what Gungnir
# rendered, one template an object, written the way charts are: names, labels, selectors and the
# namespace by helpers, and what people set (replicas, image, port, storage, security) by values.
# Each text that is not replaced stays as it is, so the chart always renders the same objects.

make_chart() {
  local rendered=$1 chart=$2
  mkdir -p "$chart/templates"
  cat >"$chart/Chart.yaml" <<'END'
apiVersion: v2
name: valkey
description: Valkey with replicas
type: application
version: 1.0.0
appVersion: 8.1.4
END
  cat >"$chart/templates/_helpers.tpl" <<'END'
{{- define "valkey.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "valkey.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "valkey.selectorLabels" -}}
valkey.verilean.io/cluster: {{ include "valkey.fullname" . }}
{{- end }}

{{- define "valkey.labels" -}}
app.kubernetes.io/component: database
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Values.managedBy }}
app.kubernetes.io/name: {{ include "valkey.name" . }}
app.kubernetes.io/part-of: {{ .Release.Name }}
{{ include "valkey.selectorLabels" . }}
{{- end }}
END
  local image
  image=$(awk '$1 == "image:" { gsub(/"/, "", $2); print $2; exit }' "$rendered")
  {
    cat <<END
nameOverride: ""
fullnameOverride: ""
managedBy: gungnir
replicas: 3
image:
  repository: ${image%:*}
  tag: ${image##*:}
service:
  port: 6379
persistence:
  size: 1Gi
terminationGracePeriodSeconds: 60
podSecurityContext:
END
    security_context 6 "$rendered"
    echo "securityContext:"
    security_context 10 "$rendered"
  } >"$chart/values.yaml"

  awk -v chart="$chart" '
    function fullname(suffix) { return "{{ include \"valkey.fullname\" . }}" suffix }
    function margin() { match($0, /^ */); return RLENGTH }
    # One document a file.
    /^---$/ { number++; file = sprintf("%s/templates/object-%02d.yaml", chart, number); next }
    # What is below a key that became one include.
    skip_below > 0 && margin() > skip_below { next }
    { skip_below = 0 }
    skip_labels > 0 { skip_labels--; next }
    /^ +app\.kubernetes\.io\/component: / {
      printf "%" margin() "s{{- include \"valkey.labels\" . | nindent %d }}\n", "", margin() > file
      skip_labels = 5
      next
    }
    /^ +valkey\.verilean\.io\/cluster: demo$/ {
      printf "%" margin() "s{{- include \"valkey.selectorLabels\" . | nindent %d }}\n", "", margin() > file
      next
    }
    /^ +securityContext:$/ {
      print > file
      values = margin() == 6 ? "podSecurityContext" : "securityContext"
      printf "%" (margin() + 2) "s{{- toYaml .Values.%s | nindent %d }}\n", "", values, margin() + 2 > file
      skip_below = margin()
      next
    }
    {
      gsub(/"default"/, "{{ .Release.Namespace | quote }}")
      gsub(/"demo"/, "\"" fullname("") "\"")
      while (match($0, /"demo-[a-z]+"/)) {
        suffix = substr($0, RSTART + 5, RLENGTH - 6)
        $0 = substr($0, 1, RSTART - 1) "\"" fullname(suffix) "\"" substr($0, RSTART + RLENGTH)
      }
      sub(/^  replicas: 3$/, "  replicas: {{ .Values.replicas }}")
      sub(/image: "[^"]*"$/, "image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"")
      sub(/ort: 6379$/, "ort: {{ .Values.service.port }}")
      sub(/value: "6379"$/, "value: {{ .Values.service.port | quote }}")
      sub(/^ +port 6379$/, "    port {{ .Values.service.port }}")
      sub(/storage: "1Gi"$/, "storage: {{ .Values.persistence.size | quote }}")
      sub(/PeriodSeconds: 60$/, "PeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}")
      print > file
    }
  ' "$rendered"
}

# security_context INDENT RENDERED: what is below the first securityContext at this indent.
security_context() {
  awk -v indent="$1" '
    function margin() { match($0, /^ */); return RLENGTH }
    inside && margin() <= indent { exit }
    inside { print substr($0, indent + 1) }
    /^ +securityContext:$/ && margin() == indent { inside = 1 }
  ' "$2"
}
