"""
IN    data/raw/{dataset}.yaml: where the images are, or how they are made
OUT   data/raw/{dataset}/{split}.json: the index that everything else reads
"""


rule data:
    input:
        settings="data/raw/{dataset}.yaml",
    output:
        index="data/raw/{dataset}/{split}.json",
    log:
        "logs/data/{dataset}-{split}.log",
    threads: 1
    resources:
        mem_mb=PLAN.resource("raw/{dataset}", "mem_mb"),
        runtime=PLAN.resource("raw/{dataset}", "minutes"),
    shell:
        "exec sdetr prepare --settings {input.settings} --out {output.index} 2> >(tee {log} >&2)"
