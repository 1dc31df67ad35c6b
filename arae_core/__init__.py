"""What the chapters of the book share: from data over an attacked encoder and its generator to a record.

The folders are the words of one sentence: **data** -> an **encoder** f, trained against an **attack** -> features z = f(x)
-> a **generator** g (with a **discriminator** d) trained by **losses** -> x_hat = g(z) -> **metrics** -> **figures** and a
record among the **results**. f, g and d are `networks`; `training` has the loops that all share, `systems` a folder a method.
"""
