# This review: config.yaml and studies/ in, results/ out. The engine is workflow/Snakefile and knows no clinical word.
module synthesis:
    snakefile:
        "workflow/Snakefile"


use rule * from synthesis
