from django.apps import AppConfig
from django.db.models.signals import pre_delete, pre_save


class AssessmentsConfig(AppConfig):
    name = "assessments"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from assessments.models import Assessment, CatalogueRevision, Package, Rule
        from integrations.models import PartnerConfiguration

        # Before the write, so that writers lock the revision first.
        for model in (Package, Assessment, Rule, PartnerConfiguration):
            pre_save.connect(CatalogueRevision.renew, sender=model)
            pre_delete.connect(CatalogueRevision.renew, sender=model)
