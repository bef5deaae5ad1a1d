"""Microsoft Project: PWA sites of Project Server 2016, 2019 and Subscription Edition, and of Project Online while one answers."""
