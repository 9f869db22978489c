"""
IN    data/{scale}/{run}/{predictions,metrics,resamples,run}.json, metrics.jsonl; data/{scale}/settings/tables/{name}.yaml
OUT   data/{scale}/{run}/{metrics,resamples}.json; reports/{scale}/tables/{name}.{md,csv,json}; reports/{scale}/runs/{run}.html
      reports/{scale}/numbers/{name}/: a file per cell, and its curve; reports/{scale}/costs/{name}.md: what the runs took
      all of it again in MLflow
"""


localrules:
    sync,


rule evaluate:
    input:
        PLAN.input("{run}/metrics"),
        settings="data/{scale}/settings/{run}/metrics.yaml",
        predictions="data/{scale}/{run}/predictions.json",
    output:
        metrics="data/{scale}/{run}/metrics.json",
        resamples="data/{scale}/{run}/resamples.json",
    log:
        "logs/{scale}/{run}/metrics.log",
    wildcard_constraints:
        run="(finetune|evaluate)/[a-z0-9_.+~/-]+/seed[0-9]+",
    threads: 1
    resources:
        mem_mb=PLAN.resource("{run}/metrics", "mem_mb"),
        runtime=PLAN.resource("{run}/metrics", "minutes"),
    shell:
        "exec sdetr evaluate --settings {input.settings} --predictions {input.predictions} --out {output.metrics} 2>{log}"


rule table:
    input:
        PLAN.input("tables/{name}"),
        settings="data/{scale}/settings/tables/{name}.yaml",
    output:
        md="reports/{scale}/tables/{name}.md",
        csv=report(
            "reports/{scale}/tables/{name}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{name}"},
        ),
        json="reports/{scale}/tables/{name}.json",
        numbers=directory("reports/{scale}/numbers/{name}"),
        cost="reports/{scale}/costs/{name}.md",
    log:
        "logs/{scale}/tables/{name}.log",
    threads: 1
    resources:
        mem_mb=PLAN.resource("tables/{name}", "mem_mb"),
        runtime=PLAN.resource("tables/{name}", "minutes"),
    shell:
        "exec sdetr table --settings {input.settings} --out {output.md} 2>{log}"


rule figure:
    input:
        PLAN.input("figures/{name}"),
        settings="data/{scale}/settings/figures/{name}.yaml",
    output:
        png="reports/{scale}/figures/{name}.png",
        svg=report(
            "reports/{scale}/figures/{name}.svg",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}"},
        ),
        csv="reports/{scale}/figures/{name}.csv",
        json="reports/{scale}/figures/{name}.json",
    log:
        "logs/{scale}/figures/{name}.log",
    threads: 1
    resources:
        mem_mb=PLAN.resource("figures/{name}", "mem_mb"),
        runtime=PLAN.resource("figures/{name}", "minutes"),
    shell:
        "exec sdetr figure --settings {input.settings} --out {output.png} 2>{log}"


rule page:
    input:
        PLAN.input("runs/{trained}"),
        settings="data/{scale}/settings/runs/{trained}.yaml",
    output:
        page="reports/{scale}/runs/{trained}.html",
    log:
        "logs/{scale}/runs/{trained}.log",
    threads: 1
    resources:
        mem_mb=PLAN.resource("runs/{trained}", "mem_mb"),
        runtime=PLAN.resource("runs/{trained}", "minutes"),
    shell:
        "exec sdetr page --settings {input.settings} --out {output.page} 2>{log}"


rule index:
    input:
        PLAN.input("index/report"),
        settings="data/{scale}/settings/index/report.yaml",
    output:
        page="reports/{scale}/index.html",
        md="reports/{scale}/index.md",
    log:
        "logs/{scale}/index.log",
    threads: 1
    resources:
        mem_mb=PLAN.resource("index/report", "mem_mb"),
        runtime=PLAN.resource("index/report", "minutes"),
    shell:
        "exec sdetr index --settings {input.settings} --out {output.page} 2>{log}"


# After the tables, and never in their way: whatever becomes of it, the workflow ends well. What could not be
# mirrored, the next sync takes along, also one by hand. It runs beside the controller, where the network is.
rule sync:
    input:
        PLAN.files("table", "figure", "page", "index"),
    output:
        touch(PLAN.synced),
    log:
        "logs/{scale}/sync.log".format(scale=PLAN.scale),
    threads: 1
    params:
        scale=PLAN.scale,
        tables=PLAN.tables_asked,
        cells=PLAN.cells_asked,
    shell:
        "sdetr sync --scale {params.scale} --tables {params.tables} {params.cells} --minutes 3 2> >(tee {log} >&2) || true"


# Each table, and each figure, is a target by its name: `snakemake --profile demo siamese-voc`.
for TABLE in PLAN.tables:

    rule:
        name:
            TABLE
        input:
            PLAN.of_table(TABLE),
        localrule: True
